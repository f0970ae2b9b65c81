package i18n

// written are the languages that a post can be marked with, by what each calls
// itself. It is a choice for people, not a limit: posts from elsewhere keep
// whatever language they name.
var written = []struct{ code, name string }{
	{"zh", "中文"},
	{"en", "English"},
	{"ar", "العربية"},
	{"bn", "বাংলা"},
	{"de", "Deutsch"},
	{"es", "Español"},
	{"fa", "فارسی"},
	{"fr", "Français"},
	{"hi", "हिन्दी"},
	{"id", "Bahasa Indonesia"},
	{"it", "Italiano"},
	{"ja", "日本語"},
	{"ko", "한국어"},
	{"mn", "Монгол"},
	{"ms", "Bahasa Melayu"},
	{"nl", "Nederlands"},
	{"pl", "Polski"},
	{"pt", "Português"},
	{"ru", "Русский"},
	{"sv", "Svenska"},
	{"th", "ไทย"},
	{"tr", "Türkçe"},
	{"ug", "ئۇيغۇرچە"},
	{"uk", "Українська"},
	{"vi", "Tiếng Việt"},
	{"bo", "བོད་སྐད"},
}

// WrittenLanguages lists the codes of the languages a post can be marked with.
func WrittenLanguages() []string {
	codes := make([]string, len(written))
	for i, l := range written {
		codes[i] = l.code
	}
	return codes
}

// LanguageName is what a language calls itself: 中文, English. Codes that are
// not in the list are returned as they are.
func LanguageName(code string) string {
	for _, l := range written {
		if l.code == code {
			return l.name
		}
	}
	return code
}
