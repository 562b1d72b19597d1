package bcp

// A state of a connection. What the node sends does not hold up what the client sends: a SEND is taken while a message
// waits for its STATUS.
type state int

const (
	statePreRegister   state = iota // nothing was said
	stateAvailable                  // nothing is owed either way
	stateSendStat                   // the client is owed a STATUS
	stateSendMsg                    // the client is owed a message
	statePendingStatus              // the client owes a STATUS
	stateErr                        // the connection is about to end: the client is told why
	stateClosing                    // no more is said
)

// An event is what happens on a connection.
type event int

const (
	gotRegister  event = iota // the client sent one
	gotSend                   // the client sent one
	gotStatus                 // the client sent one, with the code 0
	gotBadStatus              // the client sent one, with another code
	gotOther                  // the client sent something else
	answered                  // the STATUS of a message is on its way
	delivering                // there is a message for the client
	delivered                 // it was sent
	failed                    // the connection broke, or nothing came for too long, or the node ends it
	told                      // the client knows why it ends
)

// transitions is what follows on what. What is not here leads to stateErr, and from there on to stateClosing only.
var transitions = map[state]map[event]state{
	statePreRegister:   {gotRegister: stateSendStat},
	stateSendStat:      {answered: stateAvailable},
	stateAvailable:     {gotSend: stateSendStat, delivering: stateSendMsg},
	stateSendMsg:       {delivered: statePendingStatus},
	statePendingStatus: {gotSend: statePendingStatus, answered: statePendingStatus, gotStatus: stateAvailable},
	stateErr:           {told: stateClosing},
}

// after is the state that follows when something happens.
func (s state) after(e event) state {
	if next, ok := transitions[s][e]; ok {
		return next
	}
	if s == stateClosing {
		return stateClosing
	}
	return stateErr
}

// complaints is what a client is told that has sent what it may not.
var complaints = map[event]string{
	gotRegister:  "You have registered already.",
	gotStatus:    "There was nothing to acknowledge.",
	gotBadStatus: "A message was not acknowledged.",
	gotOther:     "There is no such message.",
}

func complaint(in state, e event) error {
	if in == statePreRegister {
		return violation("The first message has to be REGISTER.")
	}
	return violation(complaints[e])
}
