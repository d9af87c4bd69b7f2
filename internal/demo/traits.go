package demo

import "strconv"

// Names of nobody: each is as likely as the others, and their pairs name some 1,600 people.
var (
	firstNames = []string{
		"Ada", "Amir", "Ana", "Arjun", "Bea", "Ben", "Chloe", "Dario", "Elif", "Emma", "Felix", "Greta", "Hana", "Hugo",
		"Ines", "Ivan", "Jonas", "Kaito", "Lea", "Liam", "Luca", "Maja", "Marta", "Mila", "Nia", "Noah", "Olga", "Omar",
		"Paul", "Priya", "Rosa", "Samir", "Sara", "Sven", "Tara", "Theo", "Uma", "Vera", "Yara", "Zoe",
	}
	lastNames = []string{
		"Abbott", "Becker", "Bianchi", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hansen", "Haddad", "Ito", "Jansen",
		"Kaya", "Keller", "Kowalski", "Larsen", "Lopez", "Mehta", "Meyer", "Moreau", "Nakamura", "Novak", "Okafor", "Olsen",
		"Park", "Petrov", "Quinn", "Rossi", "Santos", "Schmidt", "Silva", "Singh", "Tanaka", "Ueda", "Vogel", "Walsh",
		"Weber", "Yilmaz", "Young", "Zhou",
	}
)

// traits says who a user is. The addresses end in a domain that is nobody's (RFC 2606).
func (r *renderer) traits(b []byte, p *person, userID string) []byte {
	roll := mix(p.key + r.salt)
	first, last := firstNames[roll%uint64(len(firstNames))], lastNames[roll>>20%uint64(len(lastNames))]
	b = append(append(append(append(b, `{"name":"`...), first...), ' '), last...)
	b = append(append(append(b, `","email":"`...), userID...), "@"...)
	b = append(append(append(b, r.Key...), `.example","createdAt":`...), strconv.FormatInt(p.signup/1000, 10)...)
	b = append(append(b, ','), r.countryProps[p.country]...)
	return append(b, '}')
}
