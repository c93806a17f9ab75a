package muster

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                   "",
		"dupont":             "dupont",
		"DUPONT":             "dupont",
		"Éloïse":             "eloise",
		"N'Diaye":            "ndiaye",
		"N’Diaye":            "ndiaye",
		"N\u02bcDiaye":       "ndiaye",
		"Mame Diarra":        "mamediarra",
		"Mame\u00a0Diarra":   "mamediarra",
		"Bâ":                 "ba",
		"Jean-Pierre":        "jeanpierre",
		"Jean\u2011Pierre":   "jeanpierre",
		"Œuvrard":            "oeuvrard",
		"Straße":             "strasse",
		"STRAẞE":             "strasse",
		"Ŋoné":               "ngone",
		"Øyvind Ærø":         "oyvindaero",
		"Łukasz":             "lukasz",
		"Đorđe":              "dorde",
		"Sigurður Þór":       "sigurdurthor",
		"Işık İnci":          "isikinci",
		"Ĳsbrand ĳ":          "ijsbrandij",
		"Əliyev":             "eliyev",
		"Ɗanjuma Ɓaƙo":       "danjumabako",
		"Ɔkɔ Ɛlɛ Ɲuma":       "okoelenuma",
		"Nguyễn Thị Phương":  "nguyenthiphuong",
		"Đặng Ơn Ưu":         "dangonuu",
		"Müller":             "muller",
		"Åsa":                "asa",
		"Čapek Řehoř":        "capekrehor",
		"Țîru Șerban":        "tiruserban",
		"Нина":               "nina",
		"НИНА":               "nina",
		"Щукин":              "shchukin",
		"Ёлкин":              "iolkin",
		"Ωμέγα Παπαδόπουλος": "omegapapadopoulos",
		"阿里":                 "ali",
		"김철수":                "gimceolsu",
		"محمد":               "mhmd",
		"עברית":              "bryt",
		"देवनागरी":           "devnaagrii",
		"ﬁoré Ａｎｎ ①":         "fioreann1",
		"𝒜nn":                "ann",
		"Louis XIV, 2e":      "louisxiv2e",
		"٣":                  "3",
		"3ᵉ":                 "3e",
		"Ann\u200b\u00adika": "annika",
		"😀 ★ © ½":            "12",
		"a\xffb\xc3":         "ab",
		"a\x00b\x7f":         "ab",
		"ǃXóõ ǁKabbo":        "qxooxkabbo",
	} {
		if got := Fold(name); got != want {
			t.Errorf("Fold(%q) = %q, want %q", name, got, want)
		}
		if got := Fold(norm.NFD.String(name)); got != want {
			t.Errorf("decomposed: Fold(%q) = %q, want %q", norm.NFD.String(name), got, want)
		}
	}
}

// Every letter of the Latin blocks that people write names with becomes at least one letter; what is dropped is listed here.
func TestFoldLosesNoLatinLetter(t *testing.T) {
	t.Parallel()
	const dropped = "ʔʕʖʘʡʢɁɂ" + "ˤ" // glottal stops and the like, which ASCII writes as apostrophes if at all
	count := 0
	for _, block := range [][2]rune{{0x80, 0x2B0}, {0x1E00, 0x1F00}, {0x2C60, 0x2C74}, {0xFF21, 0xFF5B}} {
		for r := block[0]; r < block[1]; r++ {
			if !unicode.IsLetter(r) || !unicode.Is(unicode.Latin, r) || strings.ContainsRune(dropped, r) {
				continue
			}
			count++
			if Fold(string(r)) == "" {
				t.Errorf("%U %c is lost", r, r)
			}
		}
	}
	if count < 800 {
		t.Errorf("only %d letters tried", count)
	}
}

func TestFoldEveryRune(t *testing.T) {
	t.Parallel()
	for r := range rune(0x32000) { // all that is assigned, but for tags and private use
		s := string(r)
		got := Fold(s)
		for _, c := range []byte(got) {
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
				t.Fatalf("Fold(%U) = %q", r, got)
			}
		}
		// The same by whichever way it takes: alone, or in company that leads away from the tables of Latin text.
		if company := Fold(s + " А"); company != got+"a" {
			t.Errorf("Fold(%U) = %q alone, %q with Cyrillic", r, got, company)
		}
		if decomposed := Fold(norm.NFD.String(s)); decomposed != got {
			t.Errorf("Fold(%U) = %q, decomposed %q", r, got, decomposed)
		}
		if unicode.Is(unicode.Latin, r) || unicode.Is(unicode.Cyrillic, r) || unicode.Is(unicode.Greek, r) {
			upper, lower := Fold(strings.ToUpper(s)), Fold(strings.ToLower(s))
			if upper != lower && lower == got {
				t.Errorf("%U %c: upper %q, lower %q", r, r, upper, lower)
			}
		}
	}
}

// nameText draws texts that are hard on folding: accents in both forms, marks in any order, other scripts, cut bytes.
func nameText() *rapid.Generator[string] {
	letters := rapid.StringOf(rapid.RuneFrom(nil, unicode.Latin, unicode.Mn, unicode.Cyrillic, unicode.Greek, unicode.Arabic, unicode.Han,
		unicode.Hangul, unicode.Devanagari, unicode.Zs, unicode.Nd, unicode.Cf))
	plain := rapid.StringOf(rapid.RuneFrom([]rune("abcéÉñßÆŒøłđþıİŋĳ019 -'’.·\u0301\u0308\u0323\u00a0йё")))
	return rapid.OneOf(letters, plain, rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
}

func TestFoldProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := nameText().Draw(t, "name")
		folded := Fold(s)
		if again := Fold(folded); again != folded {
			t.Fatalf("Fold(%q) = %q, folded again %q", s, folded, again)
		}
		if !utf8.ValidString(s) {
			return
		}
		for form, f := range map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD} {
			if other := Fold(f.String(s)); other != folded {
				t.Fatalf("Fold(%q) = %q, in %s %q", s, folded, form, other)
			}
		}
	})
}

func TestFoldKey(t *testing.T) {
	t.Parallel()
	same := [][]string{
		{"ann", "Ann", "ANN", " ann ", "\tann\n", "Ａｎｎ", "an\u200bn", "a\u00adnn", "\u00a0ann"},
		{"jean.dupont007", "Jean.Dupont007", "jean.dupont００７"},
		{"éloïse@example.org", "ÉLOÏSE@EXAMPLE.ORG", "e\u0301loi\u0308se@example.org"},
		{"strasse", "straße", "STRASSE", "STRAẞE"},
		{"σας", "ΣΑΣ", "σασ"},
		{"ﬁn", "fin", "FIN"},
		{"", " ", "\u200b", "\u3000"},
		{"k", "\u212a"},
	}
	seen := map[string]int{}
	for i, texts := range same {
		want := FoldKey(texts[0])
		for _, s := range texts {
			if got := FoldKey(s); got != want {
				t.Errorf("FoldKey(%q) = %q, but FoldKey(%q) = %q", s, got, texts[0], want)
			}
		}
		if j, ok := seen[want]; ok {
			t.Errorf("%q and %q have one key", texts[0], same[j][0])
		}
		seen[want] = i
	}
	for _, two := range [][2]string{{"eloise", "éloïse"}, {"a b", "ab"}, {"ann", "ann."}, {"jean-luc", "jeanluc"}} {
		if FoldKey(two[0]) == FoldKey(two[1]) {
			t.Errorf("%q and %q have one key", two[0], two[1])
		}
	}
}

func TestFoldKeyProperties(t *testing.T) {
	t.Parallel()
	check := func(t interface{ Fatalf(string, ...any) }, s string) {
		key := FoldKey(s)
		if again := FoldKey(key); again != key {
			t.Fatalf("FoldKey(%q) = %q, again %q", s, key, again)
		}
		if !utf8.ValidString(s) {
			return
		}
		for _, other := range []string{norm.NFC.String(s), norm.NFD.String(s), norm.NFKC.String(s), " " + s + "\u200b"} {
			if got := FoldKey(other); got != key {
				t.Fatalf("FoldKey(%q) = %q, but FoldKey(%q) = %q", s, key, other, got)
			}
		}
	}
	for r := range rune(0x32000) { // all that is assigned, but for tags and private use
		check(t, string(r))
	}
	rapid.Check(t, func(t *rapid.T) { check(t, nameText().Draw(t, "text")) })
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Jean-Pierre", "Œuvrard", "阿里", "e\u0301", "и\u0306", "a\xff\xc3", "\U0001e900", "ﷺ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if folded := Fold(s); Fold(folded) != folded {
			t.Errorf("Fold(%q) = %q is not folded", s, folded)
		}
		if key := FoldKey(s); FoldKey(key) != key {
			t.Errorf("FoldKey(%q) = %q is not a key", s, key)
		}
	})
}

func BenchmarkFold(b *testing.B) {
	for name, s := range map[string]string{
		"ascii":      "Jean-Pierre",
		"folded":     "dupont",
		"accents":    "Éloïse N’Diaye",
		"vietnamese": "Nguyễn Thị Phương",
		"decomposed": norm.NFD.String("Nguyễn Thị Phương"),
		"cyrillic":   "Щукин",
		"chinese":    "阿里",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Fold(s)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "names/s")
		})
	}
}

func BenchmarkFoldKey(b *testing.B) {
	for name, s := range map[string]string{"ascii": "jean.dupont@example.org", "upper": "Jean.Dupont@example.org", "accents": "éloïse@example.org"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				FoldKey(s)
			}
		})
	}
}
