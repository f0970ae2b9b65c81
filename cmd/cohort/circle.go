package main

import (
	"context"
	"time"

	"cohort/social"
)

type circleCommands struct {
	Create circleCreate `cmd:"" help:"Make a circle whose hub is this instance."`
	List   circleList   `cmd:"" help:"List the circles of this instance."`
}

type circleCreate struct {
	Slug string `required:"" help:"Its handle, as in 2012-3." placeholder:"S"`
	Name string `required:"" help:"Its name." placeholder:"N"`
	Unit string `required:"" help:"The unit whose seats open it." placeholder:"U"`
	From int    `help:"The first year of those seats." placeholder:"Y"`
	To   int    `help:"The last year of those seats." placeholder:"Y"`
}

// Run makes the circle.
func (c circleCreate) Run(p *program) error {
	return p.withInstance(func(ctx context.Context, i *instance) error {
		circle, err := i.social.CreateCircle(ctx, social.CircleDraft{Slug: c.Slug, Name: c.Name, Unit: c.Unit, From: c.From, To: c.To})
		if err != nil {
			return err
		}
		return p.print(struct {
			ID   string `json:"id"`
			Slug string `json:"slug"`
			URI  string `json:"uri"`
			URL  string `json:"url"`
		}{circle.ID.String(), circle.Handle, circle.URI, circle.URL}, "created "+circle.URL)
	})
}

type circleList struct{}

// circleRow is one circle in a list.
type circleRow struct {
	ID      string    `json:"id"`
	Slug    string    `json:"slug"`
	Name    string    `json:"name"`
	Unit    string    `json:"unit"`
	From    int       `json:"from"`
	To      int       `json:"to"`
	Listing string    `json:"listing"`
	Created time.Time `json:"created_at"`
}

// Run lists the circles.
func (circleList) Run(p *program) error {
	return p.withInstance(func(ctx context.Context, i *instance) error {
		circles, err := i.db.Circles(ctx)
		if err != nil {
			return err
		}
		rows := make([]circleRow, 0, len(circles))
		for _, c := range circles {
			rows = append(rows, circleRow{c.ID.String(), c.Handle, c.Name, c.Unit, c.YearFrom, c.YearTo, c.Listing, c.CreatedAt})
		}
		return printList(p, rows, []string{"SLUG", "NAME", "UNIT", "YEARS", "LISTING"}, func(r circleRow) []string {
			return []string{r.Slug, r.Name, r.Unit, years(r.From, r.To), r.Listing}
		})
	})
}
