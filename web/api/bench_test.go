package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"cohort/social"
	"cohort/store"
	"cohort/store/storetest"

	"github.com/labstack/echo/v4"
)

// fullHome is somebody with 60 posts by 20 others in her home timeline, some with tags and mentions.
func fullHome(b *testing.B, h *house) *store.Account {
	b.Helper()
	me := h.person("ada")
	for i := range 60 {
		name := fmt.Sprintf("friend%d", i%20)
		if i < 20 {
			storetest.Follow(b, h.db, me, h.person(name))
		}
		friend, err := h.db.AccountByHandle(b.Context(), name, "")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := h.s.Publish(b.Context(), friend, social.Draft{Text: fmt.Sprintf("Number %d to @ada about #school, with a few words more and https://a.example/page", i)}); err != nil {
			b.Fatal(err)
		}
	}
	return me
}

// BenchmarkHomeEntities is what a page of the home timeline costs above the store.
func BenchmarkHomeEntities(b *testing.B) {
	h := newHouse(b)
	me := fullHome(b, h)
	posts, err := h.db.Home(b.Context(), me.ID, store.Page{Limit: 20})
	if err != nil {
		b.Fatal(err)
	}
	views, err := h.db.Views(b.Context(), store.AsAccount(me.ID), posts.Items)
	if err != nil || len(views) != 20 {
		b.Fatal(len(views), err)
	}
	b.ReportAllocs()
	var buffer []byte
	for b.Loop() {
		buffer = list(buffer[:0], h.api.maker(me.ID).statuses(views), appendStatus)
	}
	b.SetBytes(int64(len(buffer)))
}

// BenchmarkHome is the whole request, without the network.
func BenchmarkHome(b *testing.B) {
	h := newHouse(b)
	me := fullHome(b, h)
	token := h.token(me, "read")
	e := echo.New()
	h.api.Mount(e, h.api.Routes())
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/timelines/home", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}
