package vocab

import (
	"net/url"

	"github.com/go-fed/activity/streams"
	asvocab "github.com/go-fed/activity/streams/vocab"
)

// OrderedCollection is a collection to be served.
type OrderedCollection struct {
	ID           string
	AttributedTo string // owner; may be empty
	TotalItems   int    // left out when negative
	First, Last  string // ids of pages; may be empty
	// Items are written when not nil; an empty list says that there are none.
	Items []ObjectOut
}

// CollectionPage is one page of a collection.
type CollectionPage struct {
	ID, PartOf string
	Next, Prev string // ids of pages; may be empty
	TotalItems int    // of the collection; left out when negative
	Items      []ObjectOut
}

// EncodeCollection writes an OrderedCollection.
//
// Errors: ErrUnfit when an id is no absolute URI; those of the items.
func EncodeCollection(c OrderedCollection) ([]byte, error) {
	t := streams.NewActivityStreamsOrderedCollection()
	d := newDraft(t)
	d.id(c.ID)
	d.attributedTo(c.AttributedTo)
	d.total(t, c.TotalItems)
	d.iri("first", c.First, func(u *url.URL) {
		p := streams.NewActivityStreamsFirstProperty()
		p.SetIRI(u)
		t.SetActivityStreamsFirst(p)
	})
	d.iri("last", c.Last, func(u *url.URL) {
		p := streams.NewActivityStreamsLastProperty()
		p.SetIRI(u)
		t.SetActivityStreamsLast(p)
	})
	if c.Items != nil {
		d.items(c.Items)
	}
	m, err := d.done()
	if err != nil {
		return nil, err
	}
	return encode(m, false)
}

// EncodeCollectionPage writes an OrderedCollectionPage, always with its items.
//
// Errors: as EncodeCollection.
func EncodeCollectionPage(c CollectionPage) ([]byte, error) {
	t := streams.NewActivityStreamsOrderedCollectionPage()
	d := newDraft(t)
	d.id(c.ID)
	d.total(t, c.TotalItems)
	d.iri("partOf", c.PartOf, func(u *url.URL) {
		p := streams.NewActivityStreamsPartOfProperty()
		p.SetIRI(u)
		t.SetActivityStreamsPartOf(p)
	})
	d.iri("next", c.Next, func(u *url.URL) {
		p := streams.NewActivityStreamsNextProperty()
		p.SetIRI(u)
		t.SetActivityStreamsNext(p)
	})
	d.iri("prev", c.Prev, func(u *url.URL) {
		p := streams.NewActivityStreamsPrevProperty()
		p.SetIRI(u)
		t.SetActivityStreamsPrev(p)
	})
	d.items(c.Items)
	m, err := d.done()
	if err != nil {
		return nil, err
	}
	return encode(m, false)
}

func (d *draft) total(t interface {
	SetActivityStreamsTotalItems(asvocab.ActivityStreamsTotalItemsProperty)
}, n int,
) {
	if n >= 0 {
		p := streams.NewActivityStreamsTotalItemsProperty()
		p.Set(n)
		t.SetActivityStreamsTotalItems(p)
	}
}

func (d *draft) items(items []ObjectOut) {
	list := make([]any, 0, len(items))
	for _, item := range items {
		v, err := item.embed()
		if err != nil {
			if d.err == nil {
				d.err = err
			}
			return
		}
		list = append(list, v)
	}
	d.extra["orderedItems"] = list
}
