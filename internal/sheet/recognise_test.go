package sheet

import (
	"strings"
	"testing"

	"github.com/musterid/muster"
)

// described writes what was recognised as header=field, one per column.
func described(cols []Column) string {
	var out []string
	for _, c := range cols {
		s := c.Field
		if s == "" {
			s = "?"
		}
		if c.Opposite {
			s += "!"
		}
		if c.Ours {
			s += "(ours)"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// The header lines that other products write, as they write them.
func TestRecogniseExports(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, header, want string }{
		{
			"GoogleWorkspace", "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Password Hash Function [UPLOAD ONLY],Org Unit Path [Required],New Primary Email [UPLOAD ONLY],Status [READ ONLY],Last Sign In [READ ONLY],Recovery Email,Home Secondary Email,Work Secondary Email,Recovery Phone [MUST BE IN THE E.164 FORMAT],Work Phone,Home Phone,Mobile Phone,Work Address,Home Address,Employee ID,Employee Type,Employee Title,Manager Email,Department,Cost Center,2sv Enrolled [READ ONLY],Building ID,Floor Name,Floor Section,Change Password at Next Sign-In,New Status [UPLOAD ONLY],Advanced Protection Program enrollment",
			"first_name last_name email password ? unit ? state ? recovery_email alternate_email ? ? phones.work phones.home phones.mobile addresses.work.street addresses.home.street employee_id employee_type job_title manager department cost_center ? location ? ? password_change ? ?",
		},
		{"GoogleUpload", "Email Address [Required],Work Secondary Email,New Status [UPLOAD ONLY]", "email alternate_email state"},
		{
			"Microsoft365Template", "Username,First name,Last name,Display name,Job title,Department,Office number,Office phone,Mobile phone,Fax,Alternate email address,Address,City,State or province,ZIP or postal code,Country or region",
			"username first_name last_name display_name job_title department location phones.work phones.mobile phones.work_fax alternate_email addresses.work.street addresses.work.locality addresses.work.region addresses.work.postal_code addresses.work.country",
		},
		{
			"Microsoft365Export", "Block credential,City,Country/Region,Department,Display name,Fax,First name,Last name,Licenses,Mobile Phone,Object Id,Office,Phone number,Postal code,Preferred language,Proxy addresses,Street address,Title,Usage location,User principal name,When created",
			"state! addresses.work.locality ? department display_name phones.work_fax first_name last_name ? phones.mobile source_id location phones.work addresses.work.postal_code locale ? addresses.work.street job_title ? username ?",
		},
		{
			"EntraTemplate", "Name [displayName] Required,User name [userPrincipalName] Required,Initial password [passwordProfile] Required,Block sign in (Yes/No) [accountEnabled] Required,First name [givenName],Last name [surname],Job title [jobTitle],Department [department],Usage location [usageLocation],Street address [streetAddress],State or province [state],Country or region [country],Office [physicalDeliveryOfficeName],City [city],ZIP or postal code [postalCode],Office phone [telephoneNumber],Mobile phone [mobile]",
			"display_name username password state! first_name last_name job_title department ? addresses.work.street addresses.work.region addresses.work.country location addresses.work.locality addresses.work.postal_code phones.work phones.mobile",
		},
		{
			"EntraDownload", "userPrincipalName,displayName,surname,mail,givenName,id,userType,jobTitle,department,accountEnabled,usageLocation,streetAddress,country,physicalDeliveryOfficeName,city,postalCode,telephoneNumber,mobilePhone,companyName,creationType",
			"username display_name last_name email first_name source_id ? job_title department state ? addresses.work.street addresses.work.country location addresses.work.locality addresses.work.postal_code phones.work phones.mobile company ?",
		},
		{
			"JumpCloud", "FirstName,LastName,Username,Email,Password,MiddleName,displayname,jobTitle,employeeIdentifier,department,costCenter,company,employeeType,description,location,alternateEmail,manager,managedAppleId,home_streetAddress,home_poBox,home_locality,home_region,home_postalCode,home_country,work_streetAddress,work_poBox,work_locality,work_region,work_postalCode,work_country,mobile_number,home_number,work_number,work_mobile_number,work_fax_number,attribute1_name,attribute1_value",
			"first_name last_name username email password middle_name display_name job_title employee_id department cost_center company employee_type description location alternate_email manager ? addresses.home.street addresses.home.po_box addresses.home.locality addresses.home.region addresses.home.postal_code addresses.home.country addresses.work.street addresses.work.po_box addresses.work.locality addresses.work.region addresses.work.postal_code addresses.work.country phones.mobile phones.home phones.work phones.work_mobile phones.work_fax attribute_pair.1.name attribute_pair.1.value",
		},
		{
			"EdConnekt", "lastname,firstname,email,phone,role_principal,role_effectif,cycle,class_code,school_year,birth_date,gender,level,account_required",
			"last_name first_name email phones.work role secondary_role cycles class_code school_year birth_date gender level account_required",
		},
		{"EdConnektFrench", "nom,prenom,email,numero_telephone,role_principal,role_effectif,cycle", "last_name first_name email phones.work role secondary_role cycles"},
		{"EdConnektStaff", "establishment_id,firstname,lastname,email,phone,position,hire_date", "unit first_name last_name email phones.work job_title hire_date"},
		{"EdConnektTeachers", "establishment_id,firstname,lastname,email,phone,subject,hire_date", "unit first_name last_name email phones.work subjects hire_date"},
		{
			"French", "Nom,Prénom,Nom d'usage,Courriel,Téléphone portable,Fonction,Service,Établissement,Groupes,Rôle,Date de naissance,Sexe,Classe,Niveau,Année scolaire,Identifiant,Matricule,Mot de passe",
			"last_name first_name ? email phones.mobile job_title department unit groups role birth_date gender class_code level school_year username employee_id password",
		},
		{"FrenchFree", "NOM D’USAGE,prenom(s),Adresse e-mail (obligatoire),N° de téléphone,Né(e) le,Statut", "last_name first_name email phones.work birth_date state"},
		{"ActiveDirectory", "sAMAccountName,givenName,sn,mail,title,department,mobile,memberOf", "username first_name last_name email job_title department phones.mobile groups"},
		{"Maarch", "user_id,firstname,lastname,mail,phone,initials,status,mode,entity,role", "username first_name last_name email phones.work initials state mode unit role"},
		{"OwnNames", strings.Join(Fields(), ","), strings.Join(Fields(), " ")},
		{"Attributes", "attributes.Class,attribute: T-shirt size,Attributes.x,attribute", "attributes.Class attributes.T-shirt size attributes.x ?"},
		{"Ours", "Email *,muster_status,MUSTER_username,muster_", "email ?(ours) ?(ours) ?"},
		{"Brackets", "Phone (work),Phone (home),Phone (mobile)", "phones.work phones.home phones.mobile"},
		{"SureBeforeMaybe", "Phone,Work phone", "? phones.work"},
		{"FirstMaybeWins", "Telephone,Phone", "phones.work ?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cols, err := Recognise(strings.Split(c.header, ","))
			if err != nil {
				t.Fatal(err)
			}
			if got := described(cols); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRecogniseAmbiguous(t *testing.T) {
	t.Parallel()
	_, err := Recognise([]string{"Courriel", "x", "E-mail"})
	if muster.CodeOf(err) != muster.Invalid || !strings.Contains(err.Error(), `"Courriel" and "E-mail"`) {
		t.Errorf("error = %v, want both headers named", err)
	}
}

// Passwords are not taken from files, so it is no fault to have several columns of them. All are known as what they are.
func TestPasswordColumnsRepeat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header  string
		mapping map[string]string
		want    string
	}{
		{"email,password,Mot de passe,pwd", nil, "email password password password"},
		{"email,password,password", nil, "email password password"},
		{"hash,email,password_hash,password", nil, "password_hash email password_hash password"},
		{"email,secret,password,other", map[string]string{"secret": "password", "other": "password"}, "email password password password"},
		{"email,password,pwd", map[string]string{"pwd": "-"}, "email password ?"},
	} {
		cols, err := Map(strings.Split(c.header, ","), c.mapping)
		if got := described(cols); err != nil || got != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.header, got, err, c.want)
		}
	}
}

func TestMap(t *testing.T) {
	t.Parallel()
	header := []string{"Courriel", "E-mail", "Colonne X", "Nom"}
	for _, c := range []struct {
		name    string
		mapping map[string]string
		want    string // fields, or the error
	}{
		{"OneLeftOut", map[string]string{"Courriel": "-"}, "? email ? last_name"},
		{"OneElsewhere", map[string]string{"Courriel": "recovery_email"}, "recovery_email email ? last_name"},
		{"MappedWins", map[string]string{"courriel ": "email"}, "email ? ? last_name"},
		{"Unknown made known", map[string]string{"Courriel": "-", "Colonne X": "attributes.x"}, "? email attributes.x last_name"},
		{"TwoTheSame", map[string]string{"Courriel": "email", "E-mail": "email"}, "both mean email"},
		{"UnknownHeader", map[string]string{"Curriel": "email"}, `no column "Curriel"; it has "Courriel", "E-mail", "Colonne X", "Nom"`},
		{"UnknownField", map[string]string{"Nom": "lastname"}, `no field "lastname" for the column "Nom"; there are username, email, `},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cols, err := Map(header, c.mapping)
			got := described(cols)
			if err != nil {
				got = err.Error()
			}
			if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestSynonymsAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	see := func(name, field string) {
		key := fold(name)
		if key == "" {
			t.Errorf("%q of %s folds to nothing", name, field)
		}
		if old, twice := seen[key]; twice {
			t.Errorf("%q stands under %s and %s", name, old, field)
		}
		seen[key] = field
	}
	for _, f := range fields {
		see(f, f)
	}
	for _, s := range synonyms {
		if !IsField(s.field) {
			t.Errorf("%q is no field", s.field)
		}
		for _, n := range append(append([]string{}, s.sure...), s.maybe...) {
			see(n, s.field)
		}
	}
	for name := range opposite {
		if seen[name] != "state" {
			t.Errorf("the opposite %q is no name of the state", name)
		}
	}
}

func TestFieldOf(t *testing.T) {
	t.Parallel()
	if got := FieldOf("\uFEFFAdresse E-Mail *"); got != "email" {
		t.Errorf("got %q", got)
	}
	if IsField("lastname") || !IsField("last_name") || !IsField("attributes.x") || IsField("attributes.") {
		t.Error("IsField must know canonical names and nothing else")
	}
}

// Beside a status, a state is a region, or nothing we know.
func TestRecogniseStateBesideStatus(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"state":             "state",
		"state,status":      "? state",
		"status,city,state": "state addresses.work.locality addresses.work.region",
		"city,state":        "addresses.work.locality state",
		"external_id,first_name,middle_name,last_name,suffix,nickname,display_name,birth_date,gender,chamber,state,party,phone,term_start,term_end,status": "source_id first_name middle_name last_name suffix nickname display_name birth_date gender ? ? ? phones.work ? ? state",
	} {
		cols, err := Recognise(strings.Split(header, ","))
		if err != nil {
			t.Fatal(err)
		}
		if got := described(cols); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", header, got, want)
		}
	}
}
