package lang

import "maps"

// What imports and batches say of their rows and of themselves.
func init() {
	maps.Copy(french, map[string]string{
		// how a file is to be read
		"%q is none of create, update, upsert.":                                                                        "%q n’est ni create, ni update, ni upsert.",
		"%q is neither dmy (day first) nor mdy (month first).":                                                         "%q n’est ni dmy (jour en premier) ni mdy (mois en premier).",
		"Column %q: passwords are not taken from files. What stands there was not stored.":                             "Colonne %q : les mots de passe ne sont pas repris des fichiers. Ce qui s’y trouve n’a pas été enregistré.",
		"Column %q was not recognised and is not used. Say in the mapping what it means.":                              "La colonne %q n’a pas été reconnue et n’est pas utilisée. Dites dans la correspondance ce qu’elle signifie.",
		"No column says who the people are: a name, an e-mail address or a username is needed. The columns are %s.":    "Aucune colonne ne dit qui sont les personnes : il faut un nom, une adresse e-mail ou un identifiant. Les colonnes sont %s.",
		"The rows of this import are to be read by the profile %q, which this server does not know. Ask its operator.": "Les lignes de cet import sont à lire selon le profil %q, que ce serveur ne connaît pas. Adressez-vous à son exploitant.",

		// rows
		"%q is not a date, neither as 2006-01-31 nor in the order %s.":                                     "%q n’est pas une date, ni sous la forme 2006-01-31, ni dans l’ordre %s.",
		"%q is not a date of the form 2006-01-31. If day and month stand first, say so: dates dmy or mdy.": "%q n’est pas une date de la forme 2006-01-31. Si le jour et le mois viennent en premier, dites-le : dates dmy ou mdy.",
		"%q is no state; use active, staged, suspended, archived or deleted.":                              "%q n’est pas un état ; indiquez active, staged, suspended, archived ou deleted.",
		"%q and %q mean the same. Give one of them.":                                                       "%q et %q désignent la même chose. N’en donnez qu’un.",
		"There is no field %q.": "Il n’y a pas de champ %q.",
		"Passwords are not taken from imports. It was not stored.":                                                                         "Les mots de passe ne sont pas repris des imports. Celui-ci n’a pas été enregistré.",
		"A role is held in a unit, and the row names none. It was not used.":                                                               "Un rôle s’exerce dans une unité, et la ligne n’en nomme aucune. Il n’a pas été utilisé.",
		"Nobody in the directory has the e-mail address or username %q, so no manager was set. When they are there, import the row again.": "Personne dans l’annuaire n’a l’adresse e-mail ou l’identifiant %q, aucun responsable n’a donc été défini. Quand cette personne y sera, importez de nouveau la ligne.",
		"Everybody in this file joins %s, and this row names %q.":                                                                          "Toutes les personnes de ce fichier entrent dans %s, et cette ligne nomme %q.",
		"This row is of another establishment: %q.":                                                                                        "Cette ligne est d’un autre établissement : %q.",
		"%q is none of M, F, male, female.":                                                                                                "%q n’est ni M, ni F, ni male, ni female.",
		"%q is no phone number: %d to %d characters, digits and signs only, with a + before them where needed.":                            "%q n’est pas un numéro de téléphone : de %d à %d caractères, uniquement des chiffres et des signes, précédés d’un + si nécessaire.",

		// whom rows mean
		"This is the same person as row %d: %s (%s).":                                                           "C’est la même personne que la ligne %d : %s (%s).",
		"This row means two people: %s (%s) has the source id, %s (%s) has the e-mail address.":                 "Cette ligne désigne deux personnes : %s (%s) a le numéro d’origine, %s (%s) a l’adresse e-mail.",
		"The e-mail address is that of %s (%s), who has the source id %q and not %q.":                           "L’adresse e-mail est celle de %s (%s), dont le numéro d’origine est %q et non %q.",
		"%s is in the directory already (%s), and this import only creates.":                                    "%s est déjà dans l’annuaire (%s), et cet import ne fait que créer.",
		"Nobody in the directory has this source id, e-mail address or username, and this import only updates.": "Personne dans l’annuaire n’a ce numéro d’origine, cette adresse e-mail ou cet identifiant, et cet import ne fait que modifier.",

		// batches
		"A batch holds at most %d rows.":                                                                   "Un lot contient au plus %d lignes.",
		"A batch holds at most %d accounts.":                                                               "Un lot contient au plus %d comptes.",
		"%d %s; the limit is %d.":                                                                          "%d %w ; la limite est de %d.",
		"%d %s of %d; the limit is %d percent.":                                                            "%d %w, sur %d ; la limite est de %d pour cent.",
		"The upload took too long and was given up. Send it again.":                                        "L’envoi a duré trop longtemps et a été abandonné. Recommencez-le.",
		"Only imports are planned. Accounts are made by running their batch.":                              "Seuls les imports sont préparés. Les comptes sont créés en exécutant leur lot.",
		"A batch that is %s cannot be planned.":                                                            "Un lot dont l’état est « %w » ne peut pas être préparé.",
		"A batch that is %s cannot be run.":                                                                "Un lot dont l’état est « %w » ne peut pas être exécuté.",
		"A batch of accounts is not run as an import is.":                                                  "Un lot de comptes ne s’exécute pas comme un import.",
		"Only a batch that is held can be released; this one is %s.":                                       "Seul un lot retenu peut être libéré ; l’état de celui-ci est « %w ».",
		"The batch is %s; only one that has ended can be retried.":                                         "L’état du lot est « %w » ; seul un lot terminé peut être repris.",
		"Accounts that are owed cannot be cancelled. Pause the target instead.":                            "Des comptes à livrer ne peuvent pas être annulés. Mettez plutôt la cible en pause.",
		"Accounts are tried again by running their batch again.":                                           "Les comptes sont repris en exécutant de nouveau leur lot.",
		"No row of this batch failed.":                                                                     "Aucune ligne de ce lot n’est en échec.",
		"The batch was cancelled before this row's turn came.":                                             "Le lot a été annulé avant que vienne le tour de cette ligne.",
		"This row could not be stored, and that is our fault. The log says why.":                           "Cette ligne n’a pas pu être enregistrée, par notre faute. Le journal dit pourquoi.",
		"Row %d changed since it was planned, and would now take something away. Look at the new plan.":    "La ligne %d a changé depuis la préparation et retirerait maintenant quelque chose. Examinez le nouveau plan.",
		"The rows of this batch are kept no longer, so they cannot be tried again. Import the file again.": "Les lignes de ce lot ne sont plus conservées et ne peuvent donc pas être reprises. Importez de nouveau le fichier.",
		"The rows of this batch are kept no longer, so its result sheet cannot be written.":                "Les lignes de ce lot ne sont plus conservées, la feuille des résultats ne peut donc pas être écrite.",
		"Only an import has a result sheet.":                                                               "Seul un import a une feuille de résultats.",
		"Only an import has rows.":                                                                         "Seul un import a des lignes.",
		"A batch of more than %d rows cannot be searched. Look for the person in the directory instead.":   "On ne peut pas chercher dans un lot de plus de %d lignes. Cherchez plutôt la personne dans l’annuaire.",
	})
}
