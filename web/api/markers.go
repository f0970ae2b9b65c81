package api

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"cohort/store"
	"cohort/web/auth"
)

// markedTimelines are those whose reading is remembered.
var markedTimelines = []string{"home", "notifications"}

// marker is how far a timeline was read.
type marker struct {
	LastReadID string `json:"last_read_id"`
	Version    int    `json:"version"`
	UpdatedAt  string `json:"updated_at"`
}

func markerOf(m store.Marker) marker {
	return marker{m.LastReadID.String(), m.Version, m.UpdatedAt.UTC().Format(stampFormat)}
}

// Markers tells how far the asker has read.
func (a *API) Markers(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	markers, err := a.db.Markers(c.Request().Context(), auth.From(c).Account.ID)
	if err != nil {
		return err
	}
	wanted := p.List("timeline")
	out := map[string]marker{}
	for name, m := range markers {
		if len(wanted) == 0 || slices.Contains(wanted, name) {
			out[name] = markerOf(m)
		}
	}
	return c.JSON(http.StatusOK, out)
}

// SetMarkers remembers how far the asker has read: the last who says so counts. What cannot be settled
// between two who say so at once is a 409.
func (a *API) SetMarkers(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	ids := map[string]store.ID{}
	for _, name := range markedTimelines {
		id, err := p.ID(name, "last_read_id")
		if err != nil {
			return echo.NewHTTPError(http.StatusUnprocessableEntity, "Validation failed: last_read_id is not an id")
		}
		if id != 0 {
			ids[name] = id
		}
	}
	ctx, me := c.Request().Context(), auth.From(c).Account.ID
	var out map[string]marker
	err = a.db.Tx(ctx, func(tx *store.Tx) error {
		out = map[string]marker{}
		for _, name := range markedTimelines {
			id, ok := ids[name]
			if !ok {
				continue
			}
			m, err := tx.SetMarker(ctx, me, name, id)
			if err != nil {
				return err
			}
			out[name] = markerOf(m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// Preferences tells how the asker wishes to write and read.
func (a *API) Preferences(c echo.Context) error {
	u := auth.From(c).User
	visibility := cmp.Or(u.DefaultVisibility, store.Public)
	if visibility == store.Followers {
		visibility = "private"
	}
	return c.JSON(http.StatusOK, map[string]any{
		"posting:default:visibility":   visibility,
		"posting:default:sensitive":    u.DefaultSensitive,
		"posting:default:language":     Text(u.DefaultLanguage),
		"posting:default:quote_policy": "nobody",
		"reading:expand:media":         "default",
		"reading:expand:spoilers":      false,
		"reading:autoplay:gifs":        false,
	})
}
