package people

// The lists begin with the most common names.

var firstNames = []string{
	"Marie", "Jean", "Pierre", "Anne", "Nathalie", "Éric", "Thomas", "Léa", "Zoé", "François", "Hélène", "Noémie", "Lucas", "Chloé", "Inès", "Jérôme",
	"Cécile", "Sébastien", "Stéphanie", "Loïc", "Anaïs", "Raphaël", "Gaël", "Maëlys", "Théo", "Clément", "Agnès", "Benoît", "Céline", "Frédéric",
	"Valérie", "Rémi", "Océane", "Aurélie", "Mickaël", "Joël", "Irène", "Thérèse", "Geneviève", "Michèle", "Gérard", "René", "Désirée", "Zacharie",
	"Ève", "Siân", "Søren", "Åsa", "Jürgen", "Günther", "Łukasz", "Zbigniew", "Małgorzata", "Jiří", "Dvořák", "Ömer", "Çağla", "İbrahim", "Şule",
	"Nguyễn", "Thị Hương", "Đức", "Mohamed", "Fatima Zohra", "Aïcha", "Khadîdja", "Ndèye", "Ŋoné", "Ousmane", "Aminata", "Mamadou", "José", "María",
	"Íñigo", "Begoña", "João", "Inês", "Conceição", "Ștefan", "Ioana", "Győző", "Zsófia", "Þór", "Björk", "Нина", "Иван", "Ольга", "Γιώργος", "Ελένη",
	"阿里", "美咲", "민준", "Sinéad", "Ciarán", "Matthew", "Olivia", "Emma", "Noah", "William", "Sophie", "Paul", "Louis", "Jules", "Alice", "Camille",
	"Manon", "Sarah", "Hugo", "Arthur", "Nina", "Rose", "Victor", "Simon", "Laura", "Julie", "Claire", "Antoine", "Maxime", "Alexandre", "Nicolas",
	"Julien", "Vincent", "Olivier", "Christophe", "Laurent", "Isabelle", "Catherine", "Sylvie", "Monique", "Jacqueline", "Françoise", "Bernard",
}

var lastNames = []string{
	"Martin", "Bernard", "Dubois", "Thomas", "Robert", "Richard", "Petit", "Durand", "Leroy", "Moreau", "Simon", "Laurent", "Lefèvre", "Michel",
	"García", "David", "Bertrand", "Roux", "Vincent", "Fournier", "Morel", "Girard", "André", "Lefebvre", "Mercier", "Dupont", "Lambert", "Bonnet",
	"François", "Martínez", "Legrand", "Garnier", "Faure", "Rousseau", "Blanc", "Guérin", "Müller", "Henry", "Roussel", "Nicolas", "Perrin", "Morin",
	"Mathieu", "Clément", "Gauthier", "Dumont", "López", "Fontaine", "Chevalier", "Robin", "Masson", "Sánchez", "Gérard", "Nguyễn", "Boyer", "Denis",
	"Lemaire", "Duval", "Joly", "Gautier", "Roger", "Roche", "Roy", "Noël", "Meyer", "Lucas", "Meunier", "Jean", "Pérez", "Marchand", "Dufour",
	"Blanchard", "Marie", "Barbier", "Brun", "Dumas", "Brunet", "Schmitt", "Leroux", "Colas", "Fernández", "Pierre", "Renard", "Arnaud", "Rolland",
	"Caron", "Aubert", "Giraud", "Leclerc", "Vidal", "Bourgeois", "Renaud", "Lemoine", "Picard", "Gaillard", "Philippe", "Leclercq", "Lacroix",
	"Fabre", "Dupuis", "Olivier", "Rodríguez", "da Silva", "Hubert", "Louis", "Charles", "Guillot", "Rivière", "Le Gall", "Guillaume", "Adam",
	"Rey", "Moulin", "González", "Berger", "Lecomte", "Menard", "Fleury", "Deschamps", "Carpentier", "Julien", "Benoît", "Paris", "Maillard",
	"Œuvrard", "N'Diaye", "M'Barek", "d'Aboville", "de La Tour", "Straße", "Weiß", "Łukasiewicz", "Kowalczyk", "Novák", "Çelik", "Şahin", "Yılmaz",
	"Trần", "Phạm", "Đặng", "Hernández", "Núñez", "Gonçalves", "Guimarães", "Popescu", "Ionescu", "Szabó", "Tóth", "Åkesson", "Sørensen", "Þórsson",
	"Иванов", "Кузнецов", "Παπαδόπουλος", "王", "李", "김", "O'Brien", "MacGregor", "Traoré", "Diallo", "Koné", "Touré", "Ben Ali", "El Amrani",
}
