package pages

// titled is a view whose title says more than the page table's: whose post,
// which circle. An empty one falls back to the table.
type titled interface {
	title(w words) string
}

func (p *TimelinePage) title(words) string {
	if p.Tag != "" {
		return "#" + p.Tag
	}
	return ""
}

func (p *PostPage) title(w words) string {
	return w.say("post.by", map[string]any{"name": displayName(p.Post.Author)})
}

func (p *ProfilePage) title(words) string {
	return displayName(p.Person) + " (@" + p.Person.Handle + ")"
}

func (p *CirclePage) title(words) string { return p.Circle.Name }

func (p *SearchPage) title(w words) string {
	if p.Query == "" {
		return ""
	}
	return p.Query + " · " + w.text("nav.search")
}

func (p *ConsentPage) title(w words) string {
	return w.say("consent.title_app", map[string]any{"app": p.App.Name})
}

func (p *HelpPage) title(w words) string {
	if topic := findTopic(p.Topic); topic != nil {
		return w.text(topic.Title)
	}
	return ""
}

func (p *ErrorPage) title(w words) string { return w.errorTitle(p.Status) }
