package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the release this tree leads to; other servers and clients see it.
const version = "0.1.0"

type versionCommand struct{}

// Run prints the version and what it was built from.
func (versionCommand) Run(p *program) error {
	result := struct {
		Version  string `json:"version"`
		Revision string `json:"revision"`
		Go       string `json:"go"`
		Platform string `json:"platform"`
	}{version, revision(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	text := fmt.Sprintf("cohort %s (%s, %s)", result.Version, result.Go, result.Platform)
	if result.Revision != "" {
		text += "\nrevision " + result.Revision
	}
	return p.print(result, text)
}

// revision is the commit the program was built from, if the build recorded it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var commit, modified string
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			commit = setting.Value
		case "vcs.modified":
			if setting.Value == "true" {
				modified = " with changes"
			}
		}
	}
	if commit == "" {
		return ""
	}
	return commit + modified
}
