package channels

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestARefusalHasAWordForTheAskerAndACauseForTheLog(t *testing.T) {
	failed := &Refusal{Word: Unavailable, Cause: io.ErrUnexpectedEOF}
	for _, k := range []struct {
		err     error
		word    Word
		refusal bool
		text    string
	}{
		{Refuse(NotMember), NotMember, true, "not-member"},
		{fmt.Errorf("say: %w", Refuse(Banned)), Banned, true, "say: banned"},
		{io.EOF, Unavailable, false, "EOF"},
		{failed, Unavailable, false, "unavailable: unexpected EOF"},
	} {
		if WordOf(k.err) != k.word || IsRefusal(k.err) != k.refusal || k.err.Error() != k.text {
			t.Errorf("%v: %s, %v", k.err, WordOf(k.err), IsRefusal(k.err))
		}
	}
	if !errors.Is(failed, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	if IsRefusal(nil) {
		t.Error("no error is a refusal")
	}
}

func TestOwnersAndOperatorsCommand(t *testing.T) {
	s := &State{Owner: 1, Members: map[PersonID]Role{2: Operator, 3: Member}}
	for p, want := range map[PersonID]bool{1: true, 2: true, 3: false, 4: false} {
		if s.commands(p) != want {
			t.Errorf("%d commands: %v", p, !want)
		}
	}
}
