package pages

import (
	"time"
)

// The samples are one small world, shown on every page: a school, its class of
// 2012, a former pupil whose account is elsewhere, and a stranger.

var sampleNow = time.Date(2026, 9, 1, 18, 5, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return sampleNow.Add(-d) }

var (
	zhao = Person{
		ID: "11", Handle: "zhao", Name: "赵老师", URL: "/@zhao", Badges: []string{"教师 · 名册核验 · 2026-08"},
		Bio: "<p>语文，带过 2012(3)。</p>", Joined: ago(400 * 24 * time.Hour), Posts: 64,
		Fields:   []ProfileField{{Name: "办公室", Value: "求实楼 302"}, {Name: "网页", Value: `<a href="https://zhao.example/">zhao.example</a>`, Verified: ago(90 * 24 * time.Hour)}},
		Relation: &Relation{Following: true, FollowsMe: true},
	}
	chen   = Person{ID: "12", Handle: "chenmo", Name: "陈默", URL: "/@chenmo", Joined: ago(60 * 24 * time.Hour), Posts: 21, Relation: &Relation{Self: true}}
	lin    = Person{ID: "13", Handle: "linwei@aurora.example", Name: "林薇", URL: "/@linwei@aurora.example", Origin: "https://aurora.example/@linwei", Badges: []string{"校友 · 2012(3) · 名册核验 · 2026-09"}, Relation: &Relation{}}
	marta  = Person{ID: "14", Handle: "marta@a-rather-long-name-for-a-server.fedi.example", Name: "Marta Kowalska-Brzęczyszczykiewicz", URL: "/@marta@fedi.example", Origin: "https://fedi.example/@marta", Avatar: "/static/0/avatar.png", Locked: true, Relation: &Relation{Requested: true}}
	nobody = Person{ID: "15", Handle: "qq", URL: "/@qq", Relation: &Relation{Muting: true}}

	class  = CircleRef{Slug: "2012-3", Name: "2012(3)", URL: "/c/2012-3", Unread: 2}
	office = CircleRef{Slug: "platform@aurora.example", Name: "平台组", URL: "/c/platform@aurora.example"}

	school = Site{
		Name: "湘南一中", Kind: "school", Host: "yizhong.example", Registration: "approval",
		About: "<p>1906 年建校。这里是在校生、老师和校友自己的地方，由学校保管。</p>",
		RunBy: &zhao, Contact: "desk@yizhong.example", Languages: []string{"zh", "en"}, Version: "0.1.0",
	}

	inClass = Audience{Kind: InCircle, Circle: &class, People: 29, Servers: 6}
)

func samplePosts() []PostView {
	edited := ago(20 * time.Minute)
	return []PostView{
		{
			ID: "101", URL: "/@linwei@aurora.example/101", Origin: "https://aurora.example/@linwei/101", Author: lin, Lang: "zh",
			HTML:    "<p>十五年了。教学楼后面那棵香樟还在吗？有人路过拍一张吧。</p>",
			Created: ago(4 * time.Minute), Audience: inClass, Replies: 3, Favourites: 7, Favourited: true, CanReply: true,
		},
		{
			ID: "102", Entry: "1020", URL: "/@zhao/102", Author: zhao, BoostedBy: &chen, Lang: "zh",
			HTML:    `<p>高三的同学：今晚七点，图书馆二楼开“自习室”，带一本你想读完的书。<a href="/tags/自习室" class="mention hashtag" rel="tag">#<span>自习室</span></a></p><p>不点名，不打卡，来去自由。</p>`,
			Created: ago(3 * time.Hour), Edited: &edited, Audience: Audience{Kind: Public}, Replies: 12, Boosts: 5, Boosted: true, Favourites: 1284,
			CanReply: true, CanBoost: true,
			Media: []MediaView{
				{ID: "1", URL: "/sample/1.png", Alt: "图书馆二楼的长桌，窗外是操场", Width: 1200, Height: 800, FocusX: 0.4, FocusY: -1},
				{ID: "2", URL: "/sample/2.png", Width: 800, Height: 800},
				{ID: "3", URL: "/sample/3.png", Alt: "一杯茶", Width: 800, Height: 1000},
			},
		},
		{
			ID: "103", URL: "/@marta@fedi.example/103", Author: marta, ReplyTo: &zhao, Lang: "en",
			HTML:    `<p>Finally found a <a href="https://example.org/">reading list</a> for Classical Chinese that starts with <em>letters</em> instead of philosophy. The trick seems to be to read slowly, out loud, and to stop worrying about every particle.</p>`,
			Created: ago(26 * time.Hour), Audience: Audience{Kind: Unlisted}, Boosts: 2, Bookmarked: true, CanReply: true, CanBoost: true,
		},
		{
			ID: "104", URL: "/@chenmo/104", Author: chen, Lang: "zh", Summary: "电影结局", HTML: "<p>其实他一直都知道。</p>", Sensitive: true,
			Created: ago(50 * 24 * time.Hour), Audience: Audience{Kind: Followers, People: 12, Servers: 3}, CanReply: true, CanBoost: true, CanEdit: true, CanDelete: true,
		},
		{
			ID: "105", URL: "/@chenmo/105", Author: chen, Lang: "zh", HTML: "<p>老照片一张，等圈子收到。</p>", Pending: true,
			Created: ago(10 * time.Second), Audience: Audience{Kind: InCircle, Circle: &office}, CanEdit: true, CanDelete: true, CanReply: true,
			Media: []MediaView{{ID: "4", URL: "/sample/1.png", Preview: "/sample/1.png", Alt: "毕业照", Width: 1200, Height: 800}}, Sensitive: true,
		},
		{
			ID: "106", URL: "/@qq/106", Author: nobody, HTML: "<p>hi</p>", Created: ago(800 * 24 * time.Hour),
			Audience: Audience{Kind: Direct}, Refused: "not a member", CanReply: true,
		},
	}
}

func sampleComposer() Composer {
	return Composer{
		Action:    "/compose",
		Audiences: []Audience{{Kind: Public}, {Kind: Unlisted}, {Kind: Followers, People: 12, Servers: 3}, {Kind: Direct}, inClass},
		Chosen:    "public", Language: "zh", Languages: []string{"zh", "en", "ja"}, MaxMedia: 4, MaxChars: 5000, Key: "k1",
	}
}

func sampleReply(p PostView) *Composer {
	c := sampleComposer()
	c.Audiences, c.Chosen, c.MaxMedia, c.Reply = []Audience{p.Audience}, "", 0, &p
	return &c
}

func samplePage(path string) Page {
	me := chen
	return Page{
		Path: path, CSRF: "t0ken", Site: school, Me: &me, Circles: []CircleRef{class, office}, Unread: 3,
	}
}

func passerBy(path string) Page { return Page{Path: path, CSRF: "t0ken", Site: school} }

func sampleCircle(s Standing) Circle {
	c := Circle{
		CircleRef: class, Institution: "湘南一中", Host: "yizhong.example", Unit: "高三 3 班", From: 2009, To: 2012,
		About: "<p>2012 届 3 班，求实楼三层东头。</p>", Standing: s,
	}
	if s.Inside() {
		c.Members, c.Servers, c.Seats, c.Stewards = 29, 6, 43, []Person{zhao}
	}
	return c
}

// sample is one way a page can look.
type sample struct {
	page string
	// as tells samples of one page apart.
	as   string
	view func() View
}

func (s sample) name() string {
	if s.as == "" {
		return s.page
	}
	return s.page + "-" + s.as
}

func withErrors(p Page, fields ...string) Page {
	for _, f := range fields {
		p.Errors = append(p.Errors, FieldError{Field: f, Key: "form.wrong"})
	}
	p.Errors = append(p.Errors, FieldError{Key: "js.failed"})
	return p
}

var rules = []string{"说真话，不冒充别人。", "不把圈里的话带出去。", "对人客气。"}

func readingSamples() []sample {
	posts := samplePosts()
	one := posts[0]
	one.Focused = true
	public := posts[1]
	public.Focused, public.CanReply, public.BoostedBy, public.Entry = true, false, nil, ""
	var after []PostView
	for i, p := range posts[1:4] {
		p.Depth = i + 1
		after = append(after, p)
	}
	list := Timeline{Posts: posts, Next: "/?max_id=106", Live: "/live"}
	end := Timeline{Posts: posts[:2]}
	flash := samplePage("/local")
	flash.Flash = &Flash{Key: "js.copied"}
	return []sample{
		{"front", "", func() View {
			return &FrontPage{Page: passerBy("/"), Members: 1284, Active: 312, WeekPosts: 47, Rules: rules, Timeline: Timeline{Posts: posts[1:3], Next: "/public"}}
		}},
		{"front", "empty", func() View { return &FrontPage{Page: passerBy("/")} }},
		{"home", "", func() View { return &TimelinePage{Page: samplePage("/"), Timeline: list} }},
		{"home", "end", func() View { return &TimelinePage{Page: samplePage("/"), Timeline: end} }},
		{"home", "empty", func() View {
			return &TimelinePage{Page: samplePage("/"), Suggested: []Person{zhao, lin, marta}}
		}},
		{"local", "", func() View { return &TimelinePage{Page: flash, Timeline: end} }},
		{"local", "empty", func() View { return &TimelinePage{Page: samplePage("/local")} }},
		{"public", "", func() View { return &TimelinePage{Page: passerBy("/public"), Timeline: end} }},
		{"public", "empty", func() View { return &TimelinePage{Page: samplePage("/public")} }},
		{"tag", "", func() View {
			return &TimelinePage{Page: samplePage("/tags/自习室"), Tag: "自习室", Timeline: end}
		}},
		{"tag", "empty", func() View { return &TimelinePage{Page: samplePage("/tags/x"), Tag: "x"} }},
		{"bookmarks", "", func() View { return &TimelinePage{Page: samplePage("/bookmarks"), Timeline: end} }},
		{"bookmarks", "empty", func() View { return &TimelinePage{Page: samplePage("/bookmarks")} }},
		{"favourites", "", func() View { return &TimelinePage{Page: samplePage("/favourites"), Timeline: end} }},
		{"favourites", "empty", func() View { return &TimelinePage{Page: samplePage("/favourites")} }},
		{"post", "", func() View {
			return &PostPage{Page: samplePage(one.URL), Ancestors: []PostView{posts[4], posts[5]}, Post: one, Descendants: after, Reply: sampleReply(one), Live: "/live"}
		}},
		{"post", "guest", func() View { return &PostPage{Page: passerBy(public.URL), Post: public} }},
		{"profile", "", func() View {
			return &ProfilePage{Page: samplePage("/@zhao"), Person: zhao, Tab: "posts", Timeline: Timeline{Posts: posts[1:2]}, Pinned: posts[2:3], Shared: []CircleRef{class}}
		}},
		{"profile", "self", func() View { return &ProfilePage{Page: samplePage("/@chenmo"), Person: chen, Tab: "posts"} }},
		{"profile", "remote", func() View { return &ProfilePage{Page: samplePage(marta.URL), Person: marta, Tab: "media"} }},
		{"profile", "hidden", func() View { return &ProfilePage{Page: samplePage(nobody.URL), Person: nobody, Hidden: true} }},
		{"profile", "guest", func() View {
			p := zhao
			p.Relation = nil
			return &ProfilePage{Page: passerBy("/@zhao"), Person: p, Tab: "posts", Timeline: end}
		}},
	}
}
