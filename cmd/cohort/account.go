package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"cohort/social"
	"cohort/store"
)

type accountCommands struct {
	Create        accountCreate        `cmd:"" help:"Make an account, confirmed and approved at once."`
	List          accountList          `cmd:"" help:"List the accounts of this instance."`
	Approve       accountApprove       `cmd:"" help:"Let in an account that waits for approval."`
	Invite        accountInvite        `cmd:"" help:"Print a link with which one person can register."`
	Suspend       accountSuspend       `cmd:"" help:"Shut an account out, here or on another server."`
	Unsuspend     accountUnsuspend     `cmd:"" help:"Let a suspended account back in."`
	ResetPassword accountResetPassword `cmd:"" help:"Give an account a new password and end its sessions and tokens."`
	Delete        accountDelete        `cmd:"" help:"Remove an account and all it wrote, for good."`
}

// whose names an account, by --handle or as the only argument.
type whose struct {
	Handle string `help:"The account: handle, or @handle@host for one on another server." placeholder:"H"`
	Name   string `arg:"" optional:"" help:"The same without --handle."`
}

var (
	errNoHandle   = &usageError{errors.New("name the account with --handle")}
	errTwoHandles = &usageError{errors.New("name one account")}
)

func (w whose) name() (string, error) {
	switch {
	case w.Handle == "" && w.Name == "":
		return "", errNoHandle
	case w.Handle != "" && w.Name != "":
		return "", errTwoHandles
	}
	return w.Handle + w.Name, nil
}

// knownAccount finds an account that is in the database; nobody is asked.
func (i *instance) knownAccount(ctx context.Context, address string) (*store.Account, error) {
	handle, host, err := social.ParseAddress(address)
	if err != nil {
		return nil, err
	}
	if host == i.social.Config.Host || host == i.social.Config.Domain {
		host = ""
	}
	account, err := i.db.AccountByHandle(ctx, handle, host)
	return account, missing(err, "there is no account %s", address)
}

// on runs f on the account that w names.
func (w whose) on(p *program, f func(ctx context.Context, i *instance, account *store.Account) error) error {
	name, err := w.name()
	if err != nil {
		return err
	}
	return p.withInstance(func(ctx context.Context, i *instance) error {
		account, err := i.knownAccount(ctx, name)
		if err != nil {
			return err
		}
		return f(ctx, i, account)
	})
}

type accountCreate struct {
	Handle        string `required:"" help:"The handle: letters, digits and _." placeholder:"H"`
	Email         string `required:"" help:"The mailbox, taken as confirmed." placeholder:"E"`
	Role          string `default:"member" enum:"member,verifier,moderator,admin" help:"member, verifier, moderator or admin."`
	PasswordStdin bool   `help:"Read the password from standard input; without it one is made and printed."`
}

// Run makes the account.
func (c accountCreate) Run(p *program) error {
	password, made, err := p.password(c.PasswordStdin)
	if err != nil {
		return err
	}
	return p.withInstance(func(ctx context.Context, i *instance) error {
		account, err := i.social.CreateAccount(ctx, social.NewAccount{
			Handle: strings.TrimPrefix(c.Handle, "@"), Email: c.Email, Password: password, Role: c.Role,
		})
		if err != nil {
			return err
		}
		return p.print(struct {
			ID       string `json:"id"`
			Handle   string `json:"handle"`
			URI      string `json:"uri"`
			Password string `json:"password,omitempty"`
		}{account.ID.String(), account.Handle, account.URI, made}, withPassword("created @"+account.Handle, made))
	})
}

// withPassword adds a password that was made here to an answer.
func withPassword(text, made string) string {
	if made == "" {
		return text
	}
	return text + "\npassword: " + made
}

// maxPasswordLine bounds what is read from standard input.
const maxPasswordLine = 4096

// password reads one line from standard input, or makes a password; made is
// empty unless it did.
func (p *program) password(fromInput bool) (password, made string, err error) {
	if !fromInput {
		made = rand.Text()
		return made, made, nil
	}
	line, err := bufio.NewReader(io.LimitReader(p.in, maxPasswordLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", "", fmt.Errorf("cannot read the password: %w", err)
	}
	password = strings.TrimRight(line, "\r\n")
	if password == "" {
		return "", "", &usageError{errors.New("--password-stdin expects the password as one line on standard input")}
	}
	return password, "", nil
}

type accountList struct {
	Waiting bool `help:"Only those that wait for approval."`
}

// accountRow is one account in a list.
type accountRow struct {
	ID      string    `json:"id"`
	Handle  string    `json:"handle"`
	Email   string    `json:"email"`
	Role    string    `json:"role"`
	State   string    `json:"state"`
	Created time.Time `json:"created_at"`
}

// Run lists every account, newest first.
func (c accountList) Run(p *program) error {
	return p.withInstance(func(ctx context.Context, i *instance) error {
		rows := []accountRow{}
		page := store.Page{Limit: 80}
		for {
			users, next, err := i.db.Users(ctx, store.UserFilter{Waiting: c.Waiting}, page)
			if err != nil {
				return err
			}
			for _, u := range users {
				rows = append(rows, accountRow{u.AccountID.String(), u.Account.Handle, u.Email, u.Role, stateOf(u), u.CreatedAt})
			}
			if next == 0 {
				break
			}
			page.MaxID = next
		}
		return printList(p, rows, []string{"HANDLE", "EMAIL", "ROLE", "STATE", "CREATED"}, func(r accountRow) []string {
			return []string{"@" + r.Handle, r.Email, r.Role, r.State, r.Created.Format(time.DateOnly)}
		})
	})
}

// stateOf is one word for what an account may do.
func stateOf(u store.UserAccount) string {
	switch {
	case !u.Account.DeletedAt.IsZero():
		return "deleted"
	case !u.Account.SuspendedAt.IsZero():
		return "suspended"
	case u.ConfirmedAt.IsZero():
		return "unconfirmed"
	case u.ApprovedAt.IsZero():
		return "waiting"
	}
	return "active"
}

type accountApprove struct{ whose }

// Run lets the account in.
func (c accountApprove) Run(p *program) error {
	return c.on(p, func(ctx context.Context, i *instance, account *store.Account) error {
		if err := i.social.Approve(ctx, account, 0); err != nil {
			return missing(err, "%s does not sign in here", account.Address())
		}
		return p.printDone(account.Address(), "approved")
	})
}

type accountSuspend struct {
	whose
	Reason string `help:"For the audit log." placeholder:"TEXT"`
}

// Run suspends the account.
func (c accountSuspend) Run(p *program) error {
	return c.on(p, func(ctx context.Context, i *instance, account *store.Account) error {
		if err := i.social.Suspend(ctx, account, 0, c.Reason); err != nil {
			return err
		}
		return p.printDone(account.Address(), "suspended")
	})
}

type accountUnsuspend struct{ whose }

// Run lets the account back in.
func (c accountUnsuspend) Run(p *program) error {
	return c.on(p, func(ctx context.Context, i *instance, account *store.Account) error {
		if err := i.social.Unsuspend(ctx, account, 0); err != nil {
			return err
		}
		return p.printDone(account.Address(), "unsuspended")
	})
}

type accountResetPassword struct {
	whose
	PasswordStdin bool `help:"Read the password from standard input; without it one is made and printed."`
}

// Run sets the password.
func (c accountResetPassword) Run(p *program) error {
	password, made, err := p.password(c.PasswordStdin)
	if err != nil {
		return err
	}
	return c.on(p, func(ctx context.Context, i *instance, account *store.Account) error {
		if err := i.social.SetPassword(ctx, account, password); err != nil {
			return err
		}
		return p.print(struct {
			Account  string `json:"account"`
			Done     string `json:"done"`
			Password string `json:"password,omitempty"`
		}{account.Address(), "reset-password", made}, withPassword("the password of @"+account.Handle+" was set", made))
	})
}

type accountDelete struct{ whose }

// Run deletes the account.
func (c accountDelete) Run(p *program) error {
	return c.on(p, func(ctx context.Context, i *instance, account *store.Account) error {
		if err := i.social.DeleteAccount(ctx, account, 0); err != nil {
			return err
		}
		return p.printDone(account.Address(), "deleted")
	})
}
