package main

import (
	"context"
	"errors"
	"strings"

	"cohort/social"
)

type instanceCommands struct {
	Set  instanceSet  `cmd:"" help:"Change what the instance says of itself."`
	Show instanceShow `cmd:"" help:"Show what the instance says of itself."`
}

// instanceSet changes what is given and leaves the rest as it is.
type instanceSet struct {
	Description    *string  `help:"A few sentences: the first thing strangers read." placeholder:"TEXT"`
	About          *string  `help:"Whatever else there is to say, in paragraphs." placeholder:"TEXT"`
	Terms          *string  `help:"What people agree to besides the rules." placeholder:"TEXT"`
	ContactEmail   *string  `help:"A mailbox for people without an account." placeholder:"E"`
	ContactAccount *string  `help:"The handle of who answers for the instance." placeholder:"H"`
	Rule           []string `sep:"none" help:"A rule; repeat it for each, in their order. They replace those there were." placeholder:"TEXT"`
}

var errNothingToSet = &usageError{errors.New("say what to change; an empty text takes away")}

// Run changes it.
func (c instanceSet) Run(p *program) error {
	change := social.AboutChange{Description: c.Description, About: c.About, Terms: c.Terms, ContactEmail: c.ContactEmail, Contact: c.ContactAccount}
	if c.Rule != nil {
		change.Rules = &c.Rule
	}
	if change == (social.AboutChange{}) {
		return errNothingToSet
	}
	return p.withInstance(func(ctx context.Context, i *instance) error {
		err := i.social.SetAbout(ctx, change, 0)
		if c.ContactAccount != nil {
			err = missing(err, "there is no account %s here", *c.ContactAccount)
		}
		if err != nil {
			return err
		}
		return p.printAbout(ctx, i)
	})
}

type instanceShow struct{}

// Run shows it.
func (instanceShow) Run(p *program) error {
	return p.withInstance(p.printAbout)
}

// printAbout leaves out, in text, what was not set.
func (p *program) printAbout(ctx context.Context, i *instance) error {
	said, err := i.social.About(ctx)
	if err != nil {
		return err
	}
	row := struct {
		Description    string   `json:"description"`
		About          string   `json:"about"`
		Terms          string   `json:"terms"`
		ContactEmail   string   `json:"contact_email"`
		ContactAccount string   `json:"contact_account"`
		Rules          []string `json:"rules"`
	}{said.Description, said.About, said.Terms, said.ContactEmail, "", []string{}}
	if said.Contact != nil {
		row.ContactAccount = said.Contact.Handle
	}
	var lines []string
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, name+": "+value)
		}
	}
	add("description", row.Description)
	add("about", row.About)
	add("terms", row.Terms)
	add("contact email", row.ContactEmail)
	add("contact account", row.ContactAccount)
	for _, rule := range said.Rules {
		row.Rules = append(row.Rules, rule.Text)
		add("rule", rule.Text)
	}
	if len(lines) == 0 {
		lines = []string{"the instance says nothing of itself yet"}
	}
	return p.print(row, strings.Join(lines, "\n"))
}
