package ticket

import "github.com/tidemarkhq/tidemark/internal/intake"

// Decode reads what /v1/tickets is sent, as [intake.Decode] does.
func Decode(body []byte) (given []Given, alone bool, err error) {
	return intake.Decode[Item](body, "ticket")
}
