package lang

import "maps"

// What may be wrong with files: workbooks, text tables, JSON.
func init() {
	maps.Copy(french, map[string]string{
		"The file is empty.":                                                             "Le fichier est vide.",
		"The file has no row with a person in it.":                                       "Le fichier n’a aucune ligne avec une personne.",
		"The file is larger than %s (limit %s).":                                         "Le fichier dépasse %s (limite %s).",
		"This file seems to be %s.":                                                      "Ce fichier semble être %w.",
		"Only tables are taken here: a CSV file or an XLSX workbook, and not %s.":        "Seuls les tableaux sont acceptés ici : un fichier CSV ou un classeur XLSX, et non %s.",
		"There is no format %q; there are csv, xlsx, json and ndjson.":                   "Il n’y a pas de format %q ; il y a csv, xlsx, json et ndjson.",
		"There is no encoding %q; there are utf-8, utf-16le, utf-16be and windows-1252.": "Il n’y a pas d’encodage %q ; il y a utf-8, utf-16le, utf-16be et windows-1252.",

		// rows and columns
		"The file has more than %d rows. Send it in parts (limit %s).":                                           "Le fichier a plus de %d lignes. Envoyez-le en plusieurs parties (limite %s).",
		"The file has more than %d blank rows. Remove them (limit %s).":                                          "Le fichier a plus de %d lignes vides. Supprimez-les (limite %s).",
		"The cell in column %s is longer than %s (limit %s).":                                                    "La cellule de la colonne %s dépasse %s (limite %s).",
		"There is no header: the first row must name the columns.":                                               "Il n’y a pas d’en-tête : la première ligne doit nommer les colonnes.",
		"The first %d rows are blank: the first row must name the columns.":                                      "Les %d premières lignes sont vides : la première ligne doit nommer les colonnes.",
		"The header in row %d has more than %d columns (limit %s).":                                              "L’en-tête de la ligne %d a plus de %d colonnes (limite %s).",
		"The header of column %s is longer than %s (limit %s).":                                                  "L’en-tête de la colonne %s dépasse %s (limite %s).",
		"The header of column %s is not valid text.":                                                             "L’en-tête de la colonne %s n’est pas un texte valide.",
		"The header has no column %s.":                                                                           "L’en-tête n’a pas de colonne %s.",
		"Columns %s and %s have the same header, %q. Rename or remove one of them.":                              "Les colonnes %s et %s ont le même en-tête, %q. Renommez ou supprimez l’une d’elles.",
		"There is a value to the right of the last header (%s). Give its column a header, or remove it.":         "Il y a une valeur à droite du dernier en-tête (%s). Donnez un en-tête à sa colonne, ou supprimez-la.",
		"The row has more cells than the header (%d). A value with %s inside must stand in double quotes.":       "La ligne a plus de cellules que l’en-tête (%d). Une valeur qui contient %w doit être entre guillemets doubles.",
		"The columns %q and %q both mean %s. Rename one, or say in the mapping what each is (- leaves one out).": "Les colonnes %q et %q désignent toutes deux %s. Renommez-en une, ou dites dans la correspondance ce qu’est chacune (- en laisse une de côté).",
		"The file has no column %q; it has %s.":                                                                  "Le fichier n’a pas de colonne %q ; il a %s.",
		"There is no field %q for the column %q; there are %s, attributes.NAME, and - to leave a column out.":    "Il n’y a pas de champ %q pour la colonne %q ; il y a %s, attributes.NOM, et - pour laisser une colonne de côté.",

		// tables as text
		"The delimiter must be a comma, a semicolon, a tab or a bar, not %q.":                                                                                  "Le séparateur doit être une virgule, un point-virgule, une tabulation ou une barre, et non %q.",
		"The quoted field that begins on line %d is not closed properly: nothing tells where it ends. Close it, or write a quote inside a quoted field twice.": "Le champ entre guillemets qui commence à la ligne %d n’est pas fermé correctement : rien ne dit où il finit. Fermez-le, ou doublez les guillemets à l’intérieur d’un champ entre guillemets.",
		"Line %d has a NUL byte at character %d: this is not a text file. Save the table again as CSV or XLSX.":                                                "La ligne %d a un octet NUL au caractère %d : ce n’est pas un fichier texte. Enregistrez de nouveau le tableau en CSV ou en XLSX.",
		"The file mixes encodings: most of it may be UTF-8, but line %d, character %d is not. Save it again as UTF-8, or say which encoding it has.":           "Le fichier mélange les encodages : l’essentiel semble être en UTF-8, mais pas la ligne %d, caractère %d. Enregistrez-le de nouveau en UTF-8, ou dites quel est son encodage.",
		"The file should be %s, but line %d, character %d is broken. Save it again as UTF-8.":                                                                  "Le fichier devrait être en %s, mais la ligne %d est abîmée au caractère %d. Enregistrez-le de nouveau en UTF-8.",
		"This is not a text file: line %d, character %d is no letter in any encoding we know. Save the table as CSV in UTF-8, or as XLSX.":                     "Ce n’est pas un fichier texte : ligne %d, le caractère %d n’est une lettre dans aucun encodage connu. Enregistrez le tableau en CSV (UTF-8) ou en XLSX.",
		"Line %d is longer than %s (limit %s).": "La ligne %d dépasse %s (limite %s).",

		// JSON
		"The file must be a JSON array of objects: [{…}, {…}].":                                                                               "Le fichier doit être un tableau JSON d’objets : [{…}, {…}].",
		"The file is a single JSON object. Put the people into an array: [{…}, {…}], or write one object per line and name the file .ndjson.": "Le fichier est un seul objet JSON. Mettez les personnes dans un tableau : [{…}, {…}], ou écrivez un objet par ligne et nommez le fichier .ndjson.",
		"Element %d is not an object. (line %d)":                                                                                              "L’élément %d n’est pas un objet. (ligne %d)",
		"Element %d is longer than %s (limit %s).":                                                                                            "L’élément %d dépasse %s (limite %s).",
		"Element %d is nested deeper than %d levels (limit %s).":                                                                              "L’élément %d est imbriqué sur plus de %d niveaux (limite %s).",
		"After element %d a comma or the closing bracket is missing. (line %d)":                                                               "Après l’élément %d, il manque une virgule ou le crochet fermant. (ligne %d)",
		"The array is not closed after element %d: the file was cut off. (line %d)":                                                           "Le tableau n’est pas fermé après l’élément %d : le fichier a été coupé. (ligne %d)",
		"There is text after the end of the array. (line %d)":                                                                                 "Il y a du texte après la fin du tableau. (ligne %d)",
		"%s is not an object.":                                             "%w n’est pas un objet.",
		"%s is not valid UTF-8.":                                           "%w n’est pas en UTF-8 valide.",
		"%s is not valid JSON: %s.":                                        "%w n’est pas du JSON valide : %s.",
		"%s is nested deeper than %d levels (limit %s).":                   "%w est imbriqué sur plus de %d niveaux (limite %s).",
		"%s has half a character: a \\ud8… escape without its other half.": "%w contient la moitié d’un caractère : un échappement \\ud8… sans son autre moitié.",
		"The value %q has no name.":                                        "La valeur %q n’a pas de nom.",

		// workbooks
		"This is not an XLSX workbook.":                                                                                       "Ce n’est pas un classeur XLSX.",
		"The workbook is damaged (%s). Open it in a spreadsheet and save it again.":                                           "Le classeur est abîmé (%w). Ouvrez-le dans un tableur et enregistrez-le de nouveau.",
		"The workbook has a DOCTYPE, which no spreadsheet writes. It is refused.":                                             "Le classeur a un DOCTYPE, qu’aucun tableur n’écrit. Il est refusé.",
		"The workbook has no sheet with cells.":                                                                               "Le classeur n’a aucune feuille avec des cellules.",
		"The workbook has no sheet %q; it has %s.":                                                                            "Le classeur n’a pas de feuille %q ; il a %s.",
		"The workbook has more than %d parts (limit %s).":                                                                     "Le classeur a plus de %d parties (limite %s).",
		"The workbook unpacks to more than %s (limit %s).":                                                                    "Le classeur décompressé dépasse %s (limite %s).",
		"The workbook's part %s unpacks to more than %d times its size (limit %s).":                                           "La partie %s du classeur, décompressée, dépasse %d fois sa taille (limite %s).",
		"A workbook holds at most %d rows. Ask for the result as CSV.":                                                        "Un classeur contient au plus %d lignes. Demandez le résultat en CSV.",
		"Only a workbook has sheets.":                                                                                         "Seul un classeur a des feuilles.",
		"The sheets beside %q have more than %d rows (limit %s).":                                                             "Les feuilles à côté de %q ont plus de %d lignes (limite %s).",
		"The sheets have more than %d columns together (limit %s).":                                                           "Les feuilles ont ensemble plus de %d colonnes (limite %s).",
		"The sheet %q has no column that means %s, by which rows of the sheets belong together; it has %s.":                   "La feuille %q n’a pas de colonne qui désigne %s, par quoi les lignes des feuilles vont ensemble ; elle a %s.",
		"Rows %d and %d of the sheet %q say different things of this person in the column %q, which takes one.":               "Les lignes %d et %d de la feuille %q disent des choses différentes de cette personne dans la colonne %q, qui n’en admet qu’une.",
		"Rows of the sheet %q whose e-mail address is in no row of the sheet %q were not used: %d, the first of them row %d.": "Lignes de la feuille %q dont l’adresse e-mail n’est dans aucune ligne de la feuille %q, et qui n’ont pas été utilisées : %d, la première étant la ligne %d.",
	})
}
