package main

import (
	"context"
	"fmt"

	"cohort/store"
	"cohort/web/auth"
)

type tokenCommands struct {
	Create tokenCreate `cmd:"" help:"Make an access token for the client API and print only it."`
}

type tokenCreate struct {
	whose
	Scopes string `default:"read write follow push" help:"What the token may do, separated by spaces." placeholder:"SCOPES"`
}

// Run makes the token.
func (c tokenCreate) Run(p *program) error {
	return c.on(p, func(ctx context.Context, i *instance, account *store.Account) error {
		if !account.Local() {
			return fmt.Errorf("%s is not an account of this instance", account.Address())
		}
		token, err := auth.New(i.social, i.config.TrustedProxies()).NewToken(ctx, account.ID, c.Scopes)
		if err != nil {
			return err
		}
		return p.print(struct {
			Token string `json:"token"`
		}{token}, token)
	})
}
