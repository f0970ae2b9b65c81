package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
)

// print answers with text, or with value as one line of JSON if that was
// asked for.
func (p *program) print(value any, text string) error {
	if !p.json {
		_, err := fmt.Fprintln(p.out, text)
		return err
	}
	encoder := json.NewEncoder(p.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// printDone says what was done to which subject.
func (p *program) printDone(subject, done string) error {
	return p.print(struct {
		Subject string `json:"subject"`
		Done    string `json:"done"`
	}{subject, done}, subject+": "+done)
}

// printList answers with a table of rows, whose columns cells names, or with
// rows as a JSON array.
func printList[T any](p *program, rows []T, header []string, cells func(T) []string) error {
	if p.json {
		return p.print(rows, "")
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join(header, "\t"))
	for _, row := range rows {
		line := cells(row)
		for i, cell := range line {
			line[i] = oneLine(cell)
		}
		fmt.Fprintln(table, strings.Join(line, "\t"))
	}
	return table.Flush()
}

// oneLine keeps what strangers wrote from breaking the table or the terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ' '
		}
		return r
	}, text)
}

// years is a span of years as people write it.
func years(from, to int) string {
	switch {
	case from == 0 && to == 0:
		return ""
	case to == 0:
		return fmt.Sprintf("%d–", from)
	case from == 0:
		return fmt.Sprintf("–%d", to)
	}
	return fmt.Sprintf("%d–%d", from, to)
}
