package people

import "github.com/tidemarkhq/tidemark/internal/mail"

// maxShown bounds what somebody else has typed and a mail repeats: no room for a message of
// their own.
const maxShown = 60

func invitationMail(to, tenantName, link string) mail.Message {
	name := mail.Line(tenantName, maxShown)
	return mail.Message{
		To:      to,
		Subject: "You are invited to " + name + " on Tidemark",
		Text: "Hello,\n\nyou are invited to look at the figures of \"" + name + "\" on Tidemark.\n" +
			"To accept, open this link within seven days:\n\n" + link + "\n\n" +
			"If you did not expect this, do nothing: without the link nobody is let in.\n",
	}
}

func resetMail(to, link string) mail.Message {
	return mail.Message{
		To:      to,
		Subject: "A new password for Tidemark",
		Text: "Hello,\n\nsomebody has asked for a new password for this address on Tidemark.\n" +
			"If it was you, open this link within half an hour:\n\n" + link + "\n\n" +
			"If it was not, do nothing: the password stays as it is.\n",
	}
}
