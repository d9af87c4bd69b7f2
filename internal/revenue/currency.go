package revenue

import "strings"

// The currencies of ISO 4217 that money is charged in, by how many digits of theirs are the
// minor unit's (ISO 4217, table A.1).
const (
	noDigits    = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	threeDigits = "BHD IQD JOD KWD LYD OMR TND"
	fourDigits  = "CLF UYW"
	twoDigits   = `AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN
		BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP
		GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP
		LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD
		PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
		SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`
)

var exponents = func() map[string]int {
	table := map[string]int{}
	for digits, codes := range []string{noDigits, "", twoDigits, threeDigits, fourDigits} {
		for _, code := range strings.Fields(codes) {
			table[code] = digits
		}
	}
	return table
}()

// Exponent is how many digits of a currency are its minor unit's: 2 of EUR, 0 of JPY. It is
// false of what is no currency of ISO 4217.
func Exponent(currency string) (digits int, known bool) {
	digits, known = exponents[currency]
	return digits, known
}

// Money is an amount in the minor units of a currency: 1999 and EUR are 19.99 euros, 1999 and
// JPY are 1999 yen.
type Money struct {
	Amount   int64
	Currency string
}
