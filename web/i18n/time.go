package i18n

import (
	"fmt"
	"time"
)

// Date writes a day: 2026年9月1日, 1 Sep 2026. The day is that of t's location.
func Date(lang string, t time.Time) string {
	if lang == "zh" {
		return fmt.Sprintf("%d年%d月%d日", t.Year(), int(t.Month()), t.Day())
	}
	return t.Format("2 Jan 2006")
}

// DateTime writes a minute: 2026年9月1日 18:05, 1 Sep 2026, 18:05.
func DateTime(lang string, t time.Time) string {
	if lang == "zh" {
		return Date(lang, t) + t.Format(" 15:04")
	}
	return Date(lang, t) + t.Format(", 15:04")
}

// Ago writes how long before now t was, in the largest unit that fits, and
// after a week the date, without the year when it is this one.
func Ago(lang string, t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return T(lang, "time.now", nil)
	case d < time.Hour:
		return T(lang, "time.minutes", map[string]any{"n": int(d / time.Minute)})
	case d < 24*time.Hour:
		return T(lang, "time.hours", map[string]any{"n": int(d / time.Hour)})
	case d < 7*24*time.Hour:
		return T(lang, "time.days", map[string]any{"n": int(d / (24 * time.Hour))})
	case t.Year() != now.Year():
		return Date(lang, t)
	case lang == "zh":
		return fmt.Sprintf("%d月%d日", int(t.Month()), t.Day())
	}
	return t.Format("2 Jan")
}
