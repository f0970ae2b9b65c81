package vocab

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

func unfit(reason string) error { return fmt.Errorf("%w: %s", ErrUnfit, reason) }

// encode is the finishing pass over a built document: it writes the members in
// a fixed order and puts in front a @context that declares exactly the terms
// that occur. withProof declares those of a proof too. Documents embedded as
// raw bytes bring their own @context and are not looked into.
func encode(doc map[string]any, withProof bool) ([]byte, error) {
	w := writer{b: make([]byte, 0, 2048)}
	if err := w.object(doc); err != nil {
		return nil, err
	}
	head := append(make([]byte, 0, len(w.b)+1024), `{"@context":`...)
	head = w.appendContext(head, withProof)
	if len(w.b) > 2 {
		head = append(head, ',')
	}
	return append(head, w.b[1:]...), nil
}

type writer struct {
	b    []byte
	used uint64 // which of terms occurred
	// contexts of others that the document needs
	security, keys bool
}

func (w *writer) value(v any) error {
	switch v := v.(type) {
	case string:
		w.b = appendString(w.b, v)
	case bool:
		w.b = strconv.AppendBool(w.b, v)
	case int:
		w.b = strconv.AppendInt(w.b, int64(v), 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return unfit("a number that is none")
		}
		w.b = strconv.AppendFloat(w.b, v, 'f', -1, 64)
	case json.RawMessage:
		w.b = append(w.b, v...)
	case []string:
		w.b = append(w.b, '[')
		for i, s := range v {
			if i > 0 {
				w.b = append(w.b, ',')
			}
			w.b = appendString(w.b, s)
		}
		w.b = append(w.b, ']')
	case []any:
		return w.array(v)
	case map[string]any:
		return w.object(v)
	default:
		return unfit(fmt.Sprintf("a value of type %T", v))
	}
	return nil
}

func (w *writer) array(list []any) error {
	w.b = append(w.b, '[')
	for i, v := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		if err := w.value(v); err != nil {
			return err
		}
	}
	w.b = append(w.b, ']')
	return nil
}

func (w *writer) object(m map[string]any) error {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compareKeys)
	w.b = append(w.b, '{')
	for i, key := range keys {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.term(key)
		if key == "type" {
			if name, ok := m[key].(string); ok {
				w.term(name)
			}
		}
		w.b = appendString(w.b, key)
		w.b = append(w.b, ':')
		if err := w.value(m[key]); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	w.b = append(w.b, '}')
	return nil
}

// order is that of the members that people look for first; all others follow
// by name.
var order = func() map[string]int {
	m := map[string]int{}
	names := "id type actor attributedTo preferredUsername name summary url inReplyTo content contentMap " +
		"sensitive published updated to cc audience context"
	for i, name := range strings.Fields(names) {
		m[name] = i + 1
	}
	return m
}()

func compareKeys(a, b string) int {
	x, y := order[a], order[b]
	switch {
	case x == 0 && y == 0:
		return strings.Compare(a, b)
	case x == 0:
		return 1
	case y == 0:
		return -1
	}
	return x - y
}
