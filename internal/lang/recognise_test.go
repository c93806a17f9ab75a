package lang

import (
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/musterid/muster"
)

// stored is an error as it comes back from storage.
func stored(t *testing.T, e *muster.Error) *muster.Error {
	t.Helper()
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var back muster.Error
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	return &back
}

func TestStoredErrors(t *testing.T) {
	t.Parallel()
	make := func(format string, args ...any) *muster.Error {
		return muster.Errorf(muster.Invalid, "", format, args...)
	}
	for _, c := range []struct {
		name string
		err  *muster.Error
		want string
	}{
		{"a text and a name", make("%q is already that of %s (%s).", "ana", "Ana Souza", "7"), `"ana" est déjà à Ana Souza (7).`},
		{"a text with quotes in it", make("%q is already that of row %d.", `a "b" c`, 3), `"a \"b\" c" est déjà à la ligne 3.`},
		{"a text that reads like the sentence", make("%q is already that of %s (%s).", `x" is already that of y (z).`, "Ana", "7"), `"x\" is already that of y (z)." est déjà à Ana (7).`},
		{"what a person wrote stays", make("There is a group %s already: %s.", "held", "running"), "Il y a déjà un groupe held : running."},
		{"words of ours in a sentence", make("A batch that is %s cannot be run.", muster.BatchState("held")), "Un lot dont l’état est « retenu » ne peut pas être exécuté."},
		{"a fragment with an argument", make("%s is not an object.", "Line 12"), "La ligne 12 n’est pas un objet."},
		{"a fragment without an argument", make("An object is expected here, not %s.", "a number"), "Un objet est attendu ici, et non un nombre."},
		{"a limit", make("%d %s; the limit is %d.", 12, "people would be disabled", 5), "12 personnes seraient désactivées ; la limite est de 5."},
		{"a limit in percent", make("%d %s of %d; the limit is %d percent.", 12, "usernames would change", 100, 10), "12 identifiants changeraient, sur 100 ; la limite est de 10 pour cent."},
		{"a character by its number", make("There is a control character (U+%04X) in it.", 0x1b), "Il y a un caractère de contrôle (U+001B) dans cette valeur."},
		{
			"a sentence in a sentence", make("Keycloak cannot be reached: %v.", errors.New("The database does not answer")),
			"Keycloak est injoignable : La base de données ne répond pas.",
		},
		{"nothing but another sentence", make("%s", "The batch was cancelled before this row's turn came."), "Le lot a été annulé avant que vienne le tour de cette ligne."},
		{"an answer in several lines", make("Keycloak could not send the mail: %s.", "first\nsecond"), "Keycloak n’a pas pu envoyer le courriel : first\nsecond."},
		{"the more special of two sentences", make("%q is none of M, F, male, female.", "x"), `"x" n’est ni M, ni F, ni male, ni female.`},
		{"order of arguments", make("The address %s is %s and is not called. If it is meant, add %s to the \"allow\" setting of this target.", "10.0.0.1", "private", "10.0.0.1"), "L’adresse 10.0.0.1 est privée et n’est pas appelée. Si c’est bien elle qui est voulue, ajoutez 10.0.0.1 au réglage « allow » de cette cible."},
		{"an outside system's words in it stay", make("Keycloak could not send the mail: %s.", "a login is expected"), "Keycloak n’a pas pu envoyer le courriel : a login is expected."},
		{"no sentence of ours", make("Somebody else wrote %s.", "this"), "Somebody else wrote this."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := typeset(c.want)
			if got := Of("fr").Error(c.err); got != want {
				t.Errorf("as it is made: %q, want %q", got, want)
			}
			if got := Of("fr").Error(stored(t, c.err)); got != want {
				t.Errorf("as it is stored: %q, want %q", got, want)
			}
			if got := (T{}).Error(stored(t, c.err)); got != c.err.Message {
				t.Errorf("in English: %q, want %q", got, c.err.Message)
			}
		})
	}
}

// A sentence of ours that is given as an argument is said, too: what a command line prints of a target's trouble, for one.
func TestSentencesAsArguments(t *testing.T) {
	t.Parallel()
	got := Of("fr").Sprintf("%s is in trouble, and its accounts wait: %s", "school", "The directory does not accept the bind name or its password.")
	if want := typeset("school est en difficulté, et ses comptes attendent : L’annuaire n’accepte pas le nom de connexion ou son mot de passe."); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Of("fr").Sprintf("There is no file %s.", "rows"); got != "Il n’y a pas de fichier rows." {
		t.Errorf("a name that is a word of ours was translated: %q", got)
	}
}

var word = rapid.StringMatching(`[A-Z][a-zà-ü]{2,8}[0-9]{0,2}`)

// example draws an argument for a verb.
func example(t *rapid.T, verb byte) any {
	switch verb {
	case 'd', 'X', 'o':
		return rapid.IntRange(0, 1<<20).Draw(t, "number")
	case 'q':
		return rapid.String().Draw(t, "text")
	}
	return word.Draw(t, "word")
}

// Whatever stands in it, a stored sentence is said in the words in which it is said when it is made.
func TestStoredIsSaidAsMade(t *testing.T) {
	t.Parallel()
	c := frenchCatalogue()
	var formats []string
	for _, english := range slices.Sorted(maps.Keys(french)) {
		if s := c.sentences[english]; s.compile != nil {
			formats = append(formats, english)
		}
	}
	if len(formats) < 200 {
		t.Fatalf("only %d formats are recognised", len(formats))
	}
	for _, english := range formats {
		rapid.Check(t, func(rt *rapid.T) {
			args := map[int]any{}
			for _, p := range read(english) {
				if p.verb != 0 {
					args[p.arg] = example(rt, p.verb)
				}
			}
			list := make([]any, len(args))
			for i, a := range args {
				list[i] = a
			}
			e := muster.Errorf(muster.Invalid, "", english, list...)
			made, later := Of("fr").Error(e), Of("fr").Text(e.Message)
			if made == e.Message || made != later {
				rt.Fatalf("made: %q; from storage: %q", made, later)
			}
		})
	}
}

// Sentences that every person who is shown them reads: no English is left in them.
func TestNoEnglishIsLeft(t *testing.T) {
	t.Parallel()
	english := regexp.MustCompile(`(?i)\b(the|is|are|of|this|and|with|not|there|has|cannot|must)\b`)
	all := maps.Clone(french)
	maps.Copy(all, frenchCommands)
	maps.Copy(all, frenchFragments)
	for key, said := range all {
		if found := english.FindString(said); found != "" {
			t.Errorf("%q: there is %q in %q", key, found, said)
		}
		if strings.Contains(said, "'") {
			t.Errorf("%q: a straight apostrophe in %q", key, said)
		}
		if strings.ContainsAny(said, "\u00a0\u202f") {
			t.Errorf("%q: spaces that cannot be seen in %q: write ordinary ones, which are typeset", key, said)
		}
	}
}

func TestTypeset(t *testing.T) {
	t.Parallel()
	if got, want := typeset("« a » : b ; c ! d ? https://e"), "«\u00a0a\u00a0»\u00a0: b\u00a0; c\u00a0! d\u00a0? https://e"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A text of any kind is said in bounded time, never says less than it did, and is left alone where it is not ours.
func FuzzText(f *testing.F) {
	for _, english := range []string{
		"", "%", "%[", "%!d(string=x)", `"a" is already that of b (c).`, "There is a group a already: b.", "Line 3 is not an object.",
		"The mail server cannot be used: The mail server cannot be used: The mail server cannot be used: x..", strings.Repeat("There is no unit ", 300) + ".",
	} {
		f.Add(english)
	}
	f.Fuzz(func(t *testing.T, english string) {
		said := Of("fr").Text(english)
		if strings.Contains(said, "%!") && !strings.Contains(english, "%!") {
			t.Errorf("%q is said as %q", english, said)
		}
		if len(english) > longestText && said != english {
			t.Errorf("a text of %d bytes was looked at", len(english))
		}
		if e := (&muster.Error{Message: english}); Of("fr").Error(e) != said {
			t.Errorf("an error of %q says something else than its text", english)
		}
		if got := Of("fr").Sprintf("There is no file %s.", english); !strings.HasPrefix(got, "Il n’y a pas de fichier ") {
			t.Errorf("as an argument: %q", got)
		}
	})
}

// The worst text is one that is like many sentences: it is as long as is looked at, and holds what their patterns look for.
func BenchmarkUnrecognised(b *testing.B) {
	c := frenchCatalogue()
	var literals strings.Builder
	for _, s := range c.patterns {
		literals.WriteString(s.longest)
	}
	for _, text := range []struct{ name, english string }{
		{"short", "Somebody else wrote this, and nobody knows why."},
		{"like all", literals.String()[:longestText]},
	} {
		b.Run(text.name, func(b *testing.B) {
			for b.Loop() {
				if got := Of("fr").Text(text.english); got == "" {
					b.Fatalf("%q", got)
				}
			}
		})
	}
}
