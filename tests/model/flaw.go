package model

// A flaw is one rule that every node of a world breaks. The search must find each: a checker that finds none proves nothing.
type flaw int

// The first of them break what federation protocol §2 says; the rest break rules that the search has shown to be needed
// besides, or readings of it that do not hold.
const (
	sound flaw = iota
	ignoreHave
	haveBeforeCommit
	keepIncarnation
	storeAcrossGap
	noResync
	noLeaveAfterTimeout
	sendToSilent
	forgetIDs

	stateByHave
	stateBeforeRows
	rowsBeforeState
	ignoreRepeatedAnswer
	silentWithoutMember
	silentAfterHello
	pullByPlace
	lateToMembersOnly
	lateAhead
	resendRefused
	epochByClock
	stateChecksLate
	epochAnywhere
	startInOldIncarnation
	pullOneEpoch
	membershipFirst
	flaws
)

var flawNames = [flaws]string{
	sound:               "sound",
	ignoreHave:          "a row that was had takes effect again",
	haveBeforeCommit:    "FEDHAVE goes before the commit",
	keepIncarnation:     "a restore keeps the incarnation",
	storeAcrossGap:      "an entry past a gap is stored",
	noResync:            "a gap is not met by FEDSYNC",
	noLeaveAfterTimeout: "a 1 that comes too late is not met by FEDLEAVE",
	sendToSilent:        "rows go before the peer's first FEDHAVE",
	forgetIDs:           "an entry whose id is stored is stored again",

	stateByHave:           "state on an own user counts from FEDHAVE on, not from the answer",
	stateBeforeRows:       "state lines overtake the answers of earlier commits",
	rowsBeforeState:       "answers overtake the state lines of earlier commits",
	ignoreRepeatedAnswer:  "a repeated answer changes no membership",
	silentWithoutMember:   "a FEDSYNC without a member gets no word",
	silentAfterHello:      "a home waits for FEDSYNC before it names members",
	pullByPlace:           "what a replica gives back is judged by the place in its FEDSYNC",
	lateToMembersOnly:     "late entries go to peers with members only",
	lateAhead:             "a late entry is filed past the replica's head",
	resendRefused:         "a FEDSAY that was answered 0 is sent again",
	epochByClock:          "an epoch may be lower than the incarnation",
	stateChecksLate:       "own users in a state line are judged when it takes effect",
	epochAnywhere:         "FEDEPOCH does not say which place it follows",
	startInOldIncarnation: "a start keeps the incarnation",
	pullOneEpoch:          "FEDPULL names one epoch",
	membershipFirst:       "a FEDSAY that is stored already is refused to one who is no member",
}
