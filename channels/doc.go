// Package channels is the vocabulary of the node (people, channels, entries, positions, refusals), the rules of what may
// be done to a channel, and the hub that carries what was committed to those who hear it.
//
// A channel is a log; everyone who hears it is a cursor. The rules run inside a transaction that the store lends them
// (Tx); what they did comes back as events, in the order of the log, through the one Hub.Deliver that follows a commit.
// The package imports nothing of the node's own, so that everything else can be read in its words.
package channels
