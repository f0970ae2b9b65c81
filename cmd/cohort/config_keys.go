package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// configKey is one key of the configuration and the field it sets.
type configKey struct {
	section, name string
	field         reflect.Value
}

// String is the key as it is named to operators: section.name.
func (k configKey) String() string { return k.section + "." + k.name }

// Environment is the variable that sets the key.
func (k configKey) Environment() string {
	return environmentPrefix + strings.ToUpper(k.section+"_"+k.name)
}

const environmentPrefix = "COHORT_"

// keys lists every key in the order of the struct. Setting a key's field
// changes c.
func (c *Config) keys() []configKey {
	var keys []configKey
	root := reflect.ValueOf(c).Elem()
	for i := range root.NumField() {
		section := root.Type().Field(i).Tag.Get("toml")
		if section == "" {
			continue
		}
		group := root.Field(i)
		for j := range group.NumField() {
			name := group.Type().Field(j).Tag.Get("toml")
			keys = append(keys, configKey{section, name, group.Field(j)})
		}
	}
	return keys
}

// applyTOML sets the keys that text names and returns what is wrong with it:
// one sentence if it is not TOML, otherwise one for each unknown section or
// key and each value of the wrong type.
func applyTOML(keys []configKey, text []byte) []string {
	var document map[string]any
	if err := toml.Unmarshal(text, &document); err != nil {
		var decode *toml.DecodeError
		if errors.As(err, &decode) {
			row, column := decode.Position()
			return []string{fmt.Sprintf("line %d, column %d: %s", row, column, decode.Error())}
		}
		return []string{"not readable as TOML: " + err.Error()}
	}
	var problems []string
	for _, section := range sortedKeys(document) {
		names := namesIn(keys, section)
		if names == nil {
			problems = append(problems, section+": there is no such section or key")
			continue
		}
		table, ok := document[section].(map[string]any)
		if !ok {
			problems = append(problems, section+": this is a section, written ["+section+"]")
			continue
		}
		problems = append(problems, applySection(keys, section, table)...)
	}
	return problems
}

func applySection(keys []configKey, section string, table map[string]any) []string {
	var problems []string
	for _, name := range sortedKeys(table) {
		at := slices.IndexFunc(keys, func(k configKey) bool { return k.section == section && k.name == name })
		if at < 0 {
			problems = append(problems, fmt.Sprintf("%s.%s: there is no such key; [%s] has %s",
				section, name, section, strings.Join(namesIn(keys, section), ", ")))
			continue
		}
		if err := setFromTOML(keys[at].field, table[name]); err != nil {
			problems = append(problems, keys[at].String()+": "+err.Error())
		}
	}
	return problems
}

// namesIn lists the keys of a section; nil if there is no such section.
func namesIn(keys []configKey, section string) []string {
	var names []string
	for _, key := range keys {
		if key.section == section {
			names = append(names, key.name)
		}
	}
	return names
}

func sortedKeys(table map[string]any) []string {
	names := make([]string, 0, len(table))
	for name := range table {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

var (
	errNotText = errors.New(`the value must be text in quotes`)
	errNotList = errors.New(`the value must be a list of texts, as in ["a", "b"]`)
	errNotBool = errors.New(`the value must be true or false`)
)

func setFromTOML(field reflect.Value, value any) error {
	switch field.Kind() {
	case reflect.Bool:
		given, ok := value.(bool)
		if !ok {
			return errNotBool
		}
		field.SetBool(given)
	case reflect.Slice:
		given, ok := value.([]any)
		if !ok {
			return errNotList
		}
		list := make([]string, len(given))
		for i, item := range given {
			if list[i], ok = item.(string); !ok {
				return errNotList
			}
		}
		field.Set(reflect.ValueOf(list))
	default:
		given, ok := value.(string)
		if !ok {
			return errNotText
		}
		field.SetString(given)
	}
	return nil
}

// applyEnvironment sets the keys whose variables are in environ and returns a
// sentence for each variable that is meant for us and sets nothing.
func applyEnvironment(keys []configKey, environ []string) []string {
	var problems []string
	for _, entry := range environ {
		variable, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(variable, environmentPrefix) || notOurs(variable) {
			continue
		}
		at := slices.IndexFunc(keys, func(k configKey) bool { return k.Environment() == variable })
		if at < 0 {
			problems = append(problems, variable+": no key has this environment variable")
			continue
		}
		if err := setFromText(keys[at].field, text); err != nil {
			problems = append(problems, fmt.Sprintf("%s (from %s): %v", keys[at], variable, err))
		}
	}
	sort.Strings(problems)
	return problems
}

// notOurs tells variables apart that begin like ours and are none of our keys:
// those of the tests, and those a container scheduler sets for a service that
// is called cohort.
func notOurs(variable string) bool {
	rest := strings.TrimPrefix(variable, environmentPrefix)
	return rest == "SAMPLES" || strings.HasPrefix(rest, "TEST_") ||
		rest == "PORT" || strings.HasPrefix(rest, "PORT_") || strings.HasPrefix(rest, "SERVICE_")
}

func setFromText(field reflect.Value, text string) error {
	switch field.Kind() {
	case reflect.Bool:
		if text != "true" && text != "false" {
			return errNotBool
		}
		field.SetBool(text == "true")
	case reflect.Slice:
		list := []string{}
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		field.Set(reflect.ValueOf(list))
	default:
		field.SetString(text)
	}
	return nil
}
