// Package mail sends e-mail: one message to one person at a time, by an SMTP
// server or, where none is configured, into files that the operator can read.
//
// It must not know why a message is sent, nor choose its words: it takes texts
// that are already in the reader's language. It never queues; whoever calls
// Send does so from a job and repeats it later unless the error is ErrRefused.
//
// Start reading at Mailer.Send.
package mail
