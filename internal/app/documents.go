package app

import (
	"fmt"

	"github.com/tidemarkhq/tidemark/internal/document"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// What an installation says about documents.
const (
	documentsOpen    = "open"    // each tenant says which it takes
	documentsTrusted = "trusted" // all take registered ones alone
)

func (c Config) checkDocuments() error {
	if c.Documents != documentsOpen && c.Documents != documentsTrusted {
		return fmt.Errorf("TIDEMARK_DOCUMENTS must be open or trusted: %q", c.Documents)
	}
	return nil
}

// library makes what finds the documents that requests mean. What it keeps in Redis is of this
// database, as others may be beside it.
func (n *Node) library() *document.Library {
	return document.NewLibrary(document.Options{
		App: n.app, Redis: n.redis, Prefix: n.channel + ":documents",
		TrustedOnly: n.config.Documents == documentsTrusted, Logger: n.logger,
	})
}

// outdates tells whether a change may be one of what a library knows about tenants.
func outdates(topics []topic.Topic) bool {
	for _, t := range topics {
		if t.Subject == topic.Gate || t.Subject == topic.Document {
			return true
		}
	}
	return false
}
