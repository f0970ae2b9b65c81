package pages

import "time"

func circleSamples() []sample {
	posts := samplePosts()
	return []sample{
		{"circle", "", func() View {
			return &CirclePage{Page: samplePage("/c/2012-3"), Circle: sampleCircle(Member), Tab: "posts", Timeline: Timeline{Posts: posts[:1], Live: "/live"}}
		}},
		{"circle", "first", func() View {
			return &CirclePage{Page: samplePage("/c/2012-3"), Circle: sampleCircle(Steward), Tab: "posts"}
		}},
		{"circle", "people", func() View {
			return &CirclePage{Page: samplePage("/c/2012-3"), Circle: sampleCircle(Member), Tab: "people", People: []Person{zhao, chen, lin, marta}, PeopleNext: "/c/2012-3?tab=people&after=4"}
		}},
		{"circle", "people-elsewhere", func() View {
			return &CirclePage{Page: samplePage("/c/2012-3"), Circle: sampleCircle(Member), Tab: "people"}
		}},
		{"circle", "about", func() View {
			return &CirclePage{Page: samplePage("/c/2012-3"), Circle: sampleCircle(Member), Tab: "about"}
		}},
		{"circle", "outside", func() View {
			return &CirclePage{Page: samplePage("/c/2012-3"), Circle: sampleCircle(Outside), Timeline: Timeline{Posts: posts[:1]}, People: []Person{lin}}
		}},
		{"circle", "guest", func() View {
			return &CirclePage{Page: passerBy("/c/2012-3"), Circle: sampleCircle(Outside)}
		}},
		{"circle", "waiting", func() View {
			return &CirclePage{Page: samplePage("/c/2012-3"), Circle: sampleCircle(Waiting)}
		}},
		{"circles", "", func() View {
			return &CirclesPage{Page: samplePage("/circles"), Mine: []Circle{sampleCircle(Member)}, Waiting: []Circle{sampleCircle(Waiting)}, Listed: []Circle{sampleCircle(Outside)}}
		}},
		{"circles", "empty", func() View { return &CirclesPage{Page: samplePage("/circles")} }},
		{"inbox", "", func() View {
			return &InboxPage{Page: samplePage("/inbox"), Notices: sampleNotices(), Next: "/inbox?max_id=1", Live: "/live"}
		}},
		{"inbox", "empty", func() View {
			p := samplePage("/inbox")
			p.Requests = 2
			return &InboxPage{Page: p}
		}},
		{"requests", "", func() View {
			return &RequestsPage{Page: samplePage("/requests"), Waiting: []FollowRequest{{ID: "1", By: lin, Created: ago(time.Hour)}, {ID: "2", By: marta, Created: ago(time.Hour)}}}
		}},
		{"requests", "empty", func() View { return &RequestsPage{Page: samplePage("/requests")} }},
		{"search", "", func() View { return &SearchPage{Page: samplePage("/search")} }},
		{"search", "found", func() View {
			return &SearchPage{
				Page: samplePage("/search?q=2012"), Query: "2012", Asked: true, People: []Person{lin, zhao}, FoundCircles: []Circle{sampleCircle(Outside)},
				Tags: []TagView{{Name: "2012", URL: "/tags/2012", Posts: 12}}, Posts: posts[:1], Unreachable: "gone.example",
			}
		}},
		{"search", "nothing", func() View {
			return &SearchPage{Page: samplePage("/search?q=zzz"), Query: "zzz", Asked: true}
		}},
	}
}

func sampleNotices() []Notice {
	posts := samplePosts()
	kinds := []struct {
		kind string
		by   Person
		post *PostView
	}{
		{"mention", lin, &posts[0]},
		{"favourite", zhao, &posts[3]},
		{"reblog", marta, &posts[1]},
		{"follow", lin, nil},
		{"follow_request", marta, nil},
		{"status", zhao, &posts[1]},
		{"update", zhao, &posts[2]},
		{"admin.sign_up", nobody, nil},
		{"strange", nobody, nil},
	}
	var list []Notice
	for i, k := range kinds {
		list = append(list, Notice{ID: "20" + string(rune('0'+i)), Kind: k.kind, By: k.by, Post: k.post, Created: ago(time.Duration(i*i) * time.Hour), Unread: i < 2, Others: (i % 3) * 2})
	}
	return list
}

func formSamples() []sample {
	post := samplePosts()[1]
	edit := sampleComposer()
	edit.Action, edit.Edit, edit.Text, edit.Summary = "/posts/102/edit", true, "高三的同学：", "通知"
	edit.Audiences, edit.Media, edit.CancelURL = []Audience{{Kind: Public}}, post.Media[:2], post.URL
	reply := sampleReply(samplePosts()[0])
	return []sample{
		{"compose", "", func() View {
			return &PostFormPage{Page: samplePage("/compose"), Composer: sampleComposer()}
		}},
		{"compose", "errors", func() View {
			c := sampleComposer()
			c.Chosen = "c/2012-3"
			return &PostFormPage{Page: withErrors(samplePage("/compose"), "text", "media", "visibility"), Composer: c}
		}},
		{"compose", "reply", func() View { return &PostFormPage{Page: samplePage("/compose?reply=101"), Composer: *reply} }},
		{"edit", "", func() View { return &PostFormPage{Page: samplePage("/posts/102/edit"), Composer: edit} }},
		{"delete", "", func() View { return &DeletePage{Page: samplePage("/posts/102/delete"), Post: post} }},
		{"settings_profile", "", func() View {
			p := samplePage("/settings/profile")
			p.Me.Avatar, p.Me.Header = "/static/0/avatar.png", "/static/0/header.png"
			return &ProfileSettingsPage{Page: withErrors(p, "name"), Name: "陈默", Bio: "在读。", MaxFields: 4, MaxName: 60, MaxBio: 500, Fields: []PlainField{{"城市", "长沙"}}}
		}},
		{"settings_account", "", func() View {
			return &AccountSettingsPage{
				Page: samplePage("/settings/account"), Email: "chenmo@yizhong.example", Shortcuts: true, Visibility: Public,
				PostLanguage: "zh", PostLanguages: []string{"zh", "en"}, MinPassword: 10,
			}
		}},
		{"settings_sessions", "", func() View {
			return &SessionsPage{Page: samplePage("/settings/sessions"), Sessions: []SessionView{
				{ID: "1", Agent: "Firefox · Linux", Address: "192.0.2.7", Created: ago(90 * time.Hour), Seen: ago(0), Current: true},
				{ID: "2", Agent: "Safari · iPhone", Created: ago(900 * time.Hour), Seen: ago(30 * time.Hour)},
			}}
		}},
		{"settings_apps", "", func() View {
			return &AppsPage{Page: samplePage("/settings/apps"), Apps: []AppView{{ID: "1", Name: "Tusky", Website: "https://tusky.app", Scopes: []string{"read", "write"}, Created: ago(900 * time.Hour), Used: ago(time.Hour)}}}
		}},
		{"settings_apps", "empty", func() View { return &AppsPage{Page: samplePage("/settings/apps")} }},
	}
}

func doorSamples() []sample {
	return []sample{
		{"join", "", func() View { return &JoinPage{Page: passerBy("/join"), Rules: rules, MinPassword: 10} }},
		{"join", "errors", func() View {
			return &JoinPage{Page: withErrors(passerBy("/join"), "handle", "email", "password", "reason", "agree"), Handle: "Chen Mo", Email: "x", Invite: "abc", MinPassword: 10}
		}},
		{"join", "closed", func() View {
			p := passerBy("/join")
			p.Site.Registration = "closed"
			return &JoinPage{Page: p}
		}},
		{"confirm", "", func() View { return &CodePage{Page: passerBy("/confirm"), Email: "chenmo@yizhong.example"} }},
		{"confirm", "unknown", func() View { return &CodePage{Page: withErrors(passerBy("/confirm"), "code")} }},
		{"confirm", "waiting", func() View { return &CodePage{Page: passerBy("/confirm"), Waiting: true} }},
		{"signin", "", func() View { return &SignInPage{Page: passerBy("/sign-in"), Next: "/inbox"} }},
		{"signin", "errors", func() View { return &SignInPage{Page: withErrors(passerBy("/sign-in"), "password"), Login: "chenmo"} }},
		{"forgot", "", func() View { return &ForgotPage{Page: passerBy("/forgot")} }},
		{"forgot", "sent", func() View { return &ForgotPage{Page: passerBy("/forgot"), Sent: true} }},
		{"reset", "", func() View { return &ResetPage{Page: passerBy("/reset"), MinPassword: 10} }},
		{"reset", "link", func() View {
			return &ResetPage{Page: passerBy("/reset"), Email: "a@b.example", Code: "12345678", MinPassword: 10}
		}},
		{"setup", "", func() View {
			return &SetupPage{Page: passerBy("/setup/x"), MinPassword: 10, Missing: []string{"nav.help"}}
		}},
		{"authorize", "", func() View {
			return &ConsentPage{
				Page: samplePage("/oauth/authorize"), App: AppView{Name: "Tusky", Website: "https://tusky.app", Scopes: []string{"read", "write:statuses", "follow", "push", "profile", "admin:read"}},
				Target: "oauth2redirect", Hidden: []HiddenField{{"client_id", "1"}, {"state", "s"}},
			}
		}},
		{"authorize", "here", func() View {
			return &ConsentPage{Page: samplePage("/oauth/authorize"), App: AppView{Name: "toot", Scopes: []string{"read"}}}
		}},
		{"granted", "", func() View {
			return &GrantedPage{Page: samplePage("/oauth/authorize"), App: AppView{Name: "toot"}, Code: "c0de"}
		}},
		{"help", "", func() View { return &HelpPage{Page: samplePage("/help/")} }},
		{"help", "visibility", func() View { return &HelpPage{Page: passerBy("/help/visibility"), Topic: "visibility"} }},
		{"help", "circles", func() View { return &HelpPage{Page: samplePage("/help/circles"), Topic: "circles"} }},
		{"help", "admins", func() View { return &HelpPage{Page: passerBy("/help/admins"), Topic: "admins"} }},
		{"help", "apps", func() View { return &HelpPage{Page: passerBy("/help/apps"), Topic: "apps"} }},
		{"help", "keyboard", func() View { return &HelpPage{Page: samplePage("/help/keyboard"), Topic: "keyboard"} }},
		{"about", "", func() View {
			return &AboutPage{Page: passerBy("/about"), Members: 1284, Posts: 9021, Rules: rules, Federation: "open"}
		}},
		{"about", "partners", func() View {
			return &AboutPage{Page: passerBy("/about"), Federation: "partners", Partners: []string{"aurora.example", "fedi.example"}, Terms: "<p>…</p>"}
		}},
		{"about", "alone", func() View { return &AboutPage{Page: passerBy("/about"), Federation: "off"} }},
		{"error", "400", func() View { return &ErrorPage{Page: passerBy("/x"), Status: 400} }},
		{"error", "403", func() View { return &ErrorPage{Page: samplePage("/x"), Status: 403} }},
		{"error", "404", func() View { return &ErrorPage{Page: passerBy("/x"), Status: 404} }},
		{"error", "413", func() View { return &ErrorPage{Page: samplePage("/x"), Status: 413} }},
		{"error", "429", func() View {
			return &ErrorPage{Page: passerBy("/x"), Status: 429, Retry: 1500 * time.Millisecond}
		}},
		{"error", "500", func() View { return &ErrorPage{Page: samplePage("/x"), Status: 500, RequestID: "r-7f3a"} }},
		{"error", "502", func() View { return &ErrorPage{Page: passerBy("/x"), Status: 502} }},
		{"error", "503", func() View { return &ErrorPage{Page: passerBy("/x"), Status: 503} }},
	}
}

func samples() []sample {
	all := readingSamples()
	all = append(all, circleSamples()...)
	all = append(all, formSamples()...)
	return append(all, doorSamples()...)
}
