package federation

import "net/http"

// nodeInfo is what a server says of itself to whoever counts servers.
type nodeInfo struct {
	Version           string         `json:"version"`
	Software          map[string]any `json:"software"`
	Protocols         []string       `json:"protocols"`
	Services          nodeServices   `json:"services"`
	OpenRegistrations bool           `json:"openRegistrations"`
	Usage             nodeUsage      `json:"usage"`
	Metadata          map[string]any `json:"metadata"`
}

type nodeServices struct {
	Inbound  []string `json:"inbound"`
	Outbound []string `json:"outbound"`
}

type nodeUsage struct {
	Users      nodeUsers `json:"users"`
	LocalPosts int64     `json:"localPosts"`
}

type nodeUsers struct {
	Total          int64 `json:"total"`
	ActiveMonth    int64 `json:"activeMonth"`
	ActiveHalfyear int64 `json:"activeHalfyear"`
}

// NodeInfoLinks points to both versions of the document.
func (f *Server) NodeInfoLinks(w http.ResponseWriter, _ *http.Request) {
	const schema = "http://nodeinfo.diaspora.software/ns/schema/"
	w.Header().Set("Access-Control-Allow-Origin", "*")
	writeJSON(w, "application/json; charset=utf-8", map[string]any{"links": []jrdLink{
		{Rel: schema + "2.1", Href: f.social.Config.BaseURL + "/nodeinfo/2.1"},
		{Rel: schema + "2.0", Href: f.social.Config.BaseURL + "/nodeinfo/2.0"},
	}})
}

// NodeInfo serves version 2.0 or 2.1. The numbers are of public posts and of people who may sign in.
func (f *Server) NodeInfo(w http.ResponseWriter, r *http.Request, version string) {
	if version != "2.0" && version != "2.1" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	stats, err := f.db.Stats(r.Context())
	if err != nil {
		f.fail(w, r, err)
		return
	}
	c := f.social.Config
	info := nodeInfo{
		Version: version, Software: map[string]any{"name": "cohort", "version": f.Config.Version}, Protocols: []string{"activitypub"},
		Services: nodeServices{Inbound: []string{}, Outbound: []string{}}, OpenRegistrations: c.Registration == "open",
		Usage:    nodeUsage{Users: nodeUsers{stats.Users, stats.ActiveMonth, stats.ActiveHalfYear}, LocalPosts: stats.Posts},
		Metadata: map[string]any{"nodeName": c.Name, "nodeDescription": "", "federation": map[string]any{"enabled": f.Config.Mode != ModeOff}},
	}
	if version == "2.1" {
		info.Software["homepage"] = c.BaseURL + "/about"
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	writeJSON(w, `application/json; profile="http://nodeinfo.diaspora.software/ns/schema/`+version+`#"; charset=utf-8`, info)
}
