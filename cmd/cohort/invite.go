package main

import (
	"context"
	"net/url"
)

// accountInvite is "cohort account invite".
type accountInvite struct{}

// Run prints only the link: it works once, for two weeks, and is needed while registration.mode is
// "invite".
func (c *accountInvite) Run(p *program) error {
	return p.withInstance(func(ctx context.Context, i *instance) error {
		raw, err := i.social.Invite(ctx, 0)
		if err != nil {
			return err
		}
		link := i.social.Config.BaseURL + "/join?" + url.Values{"invite": {raw}}.Encode()
		return p.print(map[string]string{"link": link}, link)
	})
}
