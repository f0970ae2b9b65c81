// Command cohort runs an instance of Cohort and is the operator's tool for it.
//
// It is the only package that knows configuration, flags, listeners,
// certificates and signals; every other package is given plain values. It
// holds no rule of the community and no SQL: a command is a few lines over
// social, and serve is the wiring of the others.
//
// Start reading at main.go (the commands), then config.go (what can be set)
// and serve.go (how an instance is put together).
package main
