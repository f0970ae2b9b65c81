package pages

import "fmt"

// formField is one labelled control. Its id is "f-" and its name, that of its
// hint "h-", that of its error "e-".
type formField struct {
	Type, Name, Label, Value          string
	Hint, Autocomplete, Mode, Pattern string
	Accept, Prefix                    string
	Required, Off, Autofocus          bool
	Rows, Min, Max                    int
	Error                             string
}

// Describedby lists the ids that describe the control; empty for none.
func (f formField) Describedby() string {
	switch {
	case f.Hint != "" && f.Error != "":
		return "h-" + f.Name + " e-" + f.Name
	case f.Hint != "":
		return "h-" + f.Name
	case f.Error != "":
		return "e-" + f.Name
	}
	return ""
}

// field builds a control: field $ "email" "email" label value "hint" text ...
// The type is an input type or "textarea".
func (w words) field(v View, kind, name, label, value string, options ...any) (formField, error) {
	f := formField{Type: kind, Name: name, Label: label, Value: value}
	if len(options)%2 != 0 {
		return f, fmt.Errorf("pages: field %s: an option without a value", name)
	}
	for i := 0; i < len(options); i += 2 {
		if err := f.set(options[i], options[i+1]); err != nil {
			return f, err
		}
	}
	if e := v.page().ErrorFor(name); e != nil {
		f.Error = w.say(e.Key, e.Args)
	}
	return f, nil
}

func (f *formField) set(option, value any) error {
	texts := map[string]*string{
		"hint": &f.Hint, "autocomplete": &f.Autocomplete, "mode": &f.Mode,
		"pattern": &f.Pattern, "accept": &f.Accept, "prefix": &f.Prefix,
	}
	flags := map[string]*bool{"required": &f.Required, "off": &f.Off, "autofocus": &f.Autofocus}
	numbers := map[string]*int{"rows": &f.Rows, "min": &f.Min, "max": &f.Max}
	name, ok := option.(string)
	if !ok {
		return fmt.Errorf("pages: field %s: an option has no name", f.Name)
	}
	switch v := value.(type) {
	case string:
		if p := texts[name]; p != nil {
			*p = v
			return nil
		}
	case bool:
		if p := flags[name]; p != nil {
			*p = v
			return nil
		}
	case int:
		if p := numbers[name]; p != nil {
			*p = v
			return nil
		}
	}
	return fmt.Errorf("pages: field %s: no option %s of that type", f.Name, name)
}
