package sheet

// The fields that a column can mean, by the name everything else uses. One exists beside them: attributes.NAME, for any custom attribute.
var fields = []string{
	"username", "email", "first_name", "middle_name", "last_name", "display_name", "initials", "nickname", "suffix",
	"birth_date", "gender", "employee_id", "code", "source", "source_id", "state", "mode", "locale",
	"manager", "company", "cost_center", "department", "employee_type", "job_title", "location", "description",
	"alternate_email", "recovery_email",
	"phones.work", "phones.mobile", "phones.home", "phones.work_mobile", "phones.work_fax",
	"addresses.work.street", "addresses.work.po_box", "addresses.work.extended", "addresses.work.locality",
	"addresses.work.region", "addresses.work.postal_code", "addresses.work.country",
	"addresses.home.street", "addresses.home.po_box", "addresses.home.extended", "addresses.home.locality",
	"addresses.home.region", "addresses.home.postal_code", "addresses.home.country",
	"password", "password_hash", "password_change",
	"groups", "unit", "unit_title", "role", "secondary_role", "cycles", "subjects",
	"class_code", "school_year", "level", "hire_date", "account_required",
}

// synonym is what people and other products write above a column. Each name stands once, in any spelling that fold treats alike: case, accents,
// spaces and punctuation do not count, so "E-mail" is the same as "email" and "work_streetAddress" the same as "Work street address". A field's
// own name needs no line here.
type synonym struct {
	field string
	sure  []string // nothing else is ever meant
	maybe []string // only if no other column says the same; of several, the first column wins
}

var synonyms = []synonym{
	{"username", []string{
		"login", "login name", "account name", "user", "user id", "uid", "user principal name", "upn",
		"identifiant", "nom d'utilisateur", "nom de connexion", "compte", "pseudo", "id de connexion",
	}, []string{"sAMAccountName", "mailNickname", "identifiant de connexion"}},
	{"email", []string{
		"mail", "email address", "mail address", "primary email", "work email", "business email",
		"courriel", "mél", "adresse e-mail", "adresse mail", "adresse mél", "adresse courriel", "adresse électronique", "adresse de messagerie",
		"messagerie", "courrier électronique", "email professionnel", "mail professionnel", "courriel professionnel",
	}, []string{"emails", "email 1", "mail 1"}},
	{"first_name", []string{"first", "given name", "given names", "forename", "prénom", "prénoms", "prénom usuel", "prénom de l'élève"}, []string{"prénom 1", "premier prénom"}},
	{"middle_name", []string{"middle", "middle names", "second name", "deuxième prénom", "second prénom", "autres prénoms", "prénom 2"}, nil},
	{"last_name", []string{"last", "surname", "family name", "sn", "nom", "nom de famille", "nom de l'élève", "patronyme"}, []string{"nom d'usage", "nom usuel", "nom de naissance", "nom patronymique"}},
	{"display_name", []string{"name", "full name", "common name", "cn", "nom complet", "nom affiché", "nom d'affichage", "nom prénom", "nom et prénom", "prénom nom", "prénom et nom", "libellé"}, nil},
	{"initials", []string{"initiales"}, nil},
	{"nickname", []string{"preferred name", "known as", "surnom", "nom préféré", "prénom d'usage"}, nil},
	{"suffix", []string{"name suffix", "honorific suffix", "generation", "suffixe"}, nil},
	{"birth_date", []string{"birthday", "date of birth", "dob", "born", "date de naissance", "naissance", "né le", "née le"}, nil},
	{"gender", []string{"sex", "sexe", "genre"}, nil},
	{"employee_id", []string{"employee identifier", "employee number", "employee no", "staff id", "staff number", "personnel number", "badge number", "matricule", "numéro de matricule", "n° matricule", "numéro d'employé", "numéro employé", "numéro agent", "numéro de salarié", "matricule RH"}, nil},
	{"code", []string{"person code", "identity code", "code identité", "code personne"}, nil},
	{"source", []string{"source system", "origin", "origine", "système source"}, nil},
	{"source_id", []string{"external id", "object id", "foreign id", "immutable id", "id source", "id externe", "identifiant externe", "identifiant source"}, []string{"id", "guid", "uuid"}},
	{"state", []string{"status", "account status", "user status", "account enabled", "enabled", "active", "block sign in", "block credential", "suspended", "disabled", "statut", "état", "statut du compte", "état du compte", "actif", "suspendu", "désactivé", "bloqué"}, []string{"new status"}},
	{"mode", []string{"user mode", "mode utilisateur"}, nil},
	{"locale", []string{"language", "lang", "preferred language", "langue", "langue préférée"}, nil},
	{"manager", []string{"manager email", "manager name", "manager username", "supervisor", "supervisor email", "reports to", "line manager", "responsable", "supérieur", "supérieur hiérarchique", "responsable hiérarchique", "n+1", "manager courriel"}, nil},
	{"company", []string{"company name", "organization", "organisation", "organization name", "employer", "société", "entreprise", "employeur", "organisme", "raison sociale"}, nil},
	{"cost_center", []string{"cost centre", "centre de coût", "centre de coûts"}, nil},
	{"department", []string{"dept", "division", "service", "département", "direction", "pôle"}, nil},
	{"employee_type", []string{"employment type", "worker type", "contract type", "type d'employé", "type de contrat", "type de personnel"}, nil},
	{"job_title", []string{"title", "employee title", "job", "position", "occupation", "fonction", "poste", "intitulé du poste", "métier", "emploi", "qualité"}, nil},
	{"location", []string{"office", "office location", "office name", "physical delivery office name", "site", "workplace", "lieu", "lieu de travail", "bureau", "localisation"}, []string{"office number", "numéro de bureau", "building id", "bâtiment"}},
	{"description", []string{"notes", "note", "comment", "comments", "remark", "remarks", "commentaire", "commentaires", "remarque", "remarques", "observation", "observations"}, nil},
	{"alternate_email", []string{"alternate email address", "alternative email", "other email", "secondary email", "home secondary email", "personal email", "home email", "private email", "email secondaire", "autre e-mail", "autre courriel", "courriel secondaire", "courriel personnel", "email personnel", "mail personnel", "adresse e-mail secondaire"}, []string{"work secondary email", "email 2", "other mails"}},
	{"recovery_email", []string{"recovery email address", "email de récupération", "e-mail de secours", "courriel de secours", "adresse e-mail de récupération"}, nil},
	{"phones.work", []string{
		"work phone", "office phone", "business phone", "work number", "work phone number", "work telephone", "téléphone professionnel", "tél pro", "téléphone pro", "téléphone bureau", "téléphone fixe", "ligne directe", "tél bureau",
	}, []string{
		"phone", "phone number", "telephone", "telephone number", "tel", "phones", "business phones", "numéro de téléphone", "numéro téléphone", "n° de téléphone", "n° téléphone", "num tel", "n° tel", "fixe",
	}},
	{"phones.mobile", []string{"mobile", "mobile phone", "mobile number", "mobile phone number", "cell", "cell phone", "portable", "téléphone portable", "téléphone mobile", "tél portable", "tél mobile", "numéro de portable", "numéro de mobile", "gsm"}, nil},
	{"phones.home", []string{"home phone", "home number", "home phone number", "home telephone", "téléphone domicile", "téléphone personnel", "tél domicile", "tél personnel", "téléphone privé"}, nil},
	{"phones.work_mobile", []string{"work mobile", "work mobile number", "work mobile phone", "business mobile", "mobile professionnel", "portable professionnel", "mobile pro", "portable pro"}, nil},
	{"phones.work_fax", []string{"fax", "work fax", "work fax number", "fax number", "télécopie", "télécopieur", "numéro de fax"}, nil},

	{"addresses.work.street", []string{"street", "street address", "work street", "work street address", "adresse professionnelle", "rue", "numéro et rue", "voie"}, []string{"work address", "address", "adresse", "adresse postale", "address line 1", "adresse 1"}},
	{"addresses.work.po_box", []string{"po box", "post office box", "work po box", "boîte postale", "bp"}, nil},
	{"addresses.work.extended", []string{"extended address", "work extended address", "address line 2", "complément d'adresse", "adresse 2"}, nil},
	{"addresses.work.locality", []string{"city", "town", "locality", "work city", "work locality", "ville", "commune", "localité"}, nil},
	{"addresses.work.region", []string{"region", "province", "state or province", "work state", "work region"}, nil},
	{"addresses.work.postal_code", []string{"postal code", "postcode", "zip", "zip code", "zip or postal code", "work postal code", "work zip", "code postal", "cp"}, nil},
	{"addresses.work.country", []string{"country", "country or region", "work country", "pays"}, nil},
	{"addresses.home.street", []string{"home street", "home street address", "adresse personnelle", "adresse du domicile", "rue domicile"}, []string{"home address"}},
	{"addresses.home.po_box", []string{"home po box"}, nil},
	{"addresses.home.extended", []string{"home extended address"}, nil},
	{"addresses.home.locality", []string{"home city", "home locality", "ville domicile"}, nil},
	{"addresses.home.region", []string{"home state", "home region", "région domicile"}, nil},
	{"addresses.home.postal_code", []string{"home postal code", "home zip", "code postal domicile"}, nil},
	{"addresses.home.country", []string{"home country", "pays domicile"}, nil},

	{"password", []string{"initial password", "temporary password", "pwd", "pass", "mot de passe", "mdp", "mot de passe initial", "mot de passe provisoire"}, nil},
	{"password_hash", []string{"hashed password", "hash", "empreinte du mot de passe", "mot de passe haché"}, nil},
	{"password_change", []string{"change password", "change password at next sign-in", "must change password", "force change password", "force change password next sign in", "password expired", "changer le mot de passe", "doit changer le mot de passe", "changement de mot de passe"}, nil},

	{"groups", []string{"group", "member of", "group names", "user groups", "groupe", "groupes"}, []string{"equipe", "équipes", "team", "teams"}},
	{"unit", []string{"org unit", "org unit path", "organizational unit", "organisational unit", "ou", "units", "establishment", "establishment id", "school", "entity", "entities", "unité", "unité organisationnelle", "établissement", "id établissement", "entité", "entités", "école", "collège", "lycée"}, nil},
	{"unit_title", []string{"title in unit", "unit role", "entity role", "titre dans l'unité", "rôle dans l'entité"}, nil},
	{"role", []string{"roles", "principal role", "role principal", "main role", "profil", "profile"}, nil},
	{"secondary_role", []string{"effective role", "role effectif", "rôle secondaire"}, nil},
	{"cycles", []string{"cycle", "cycle codes"}, nil},
	{"subjects", []string{"subject", "matière", "matières", "discipline", "disciplines", "matière enseignée"}, nil},
	{"class_code", []string{"class", "class name", "classe", "code classe", "division de classe", "homeroom"}, nil},
	{"school_year", []string{"academic year", "année scolaire", "année"}, nil},
	{"level", []string{"grade", "grade level", "year group", "niveau", "niveau scolaire"}, nil},
	{"hire_date", []string{"date of hire", "start date", "employee hire date", "joining date", "date d'embauche", "date d'entrée", "date d'arrivée", "date de prise de fonction"}, nil},
	{"account_required", []string{"needs account", "create account", "compte requis", "compte nécessaire", "créer un compte"}, nil},
}

// opposites are names of the state under which a yes means that the person may not sign in.
var opposites = []string{"block sign in", "block credential", "suspended", "disabled", "suspendu", "désactivé", "bloqué"}

// hints are words that say how a column is to be filled, not what it means.
var hints = []string{"required", "optional", "mandatory", "obligatoire", "facultatif", "optionnel", "requis"}
