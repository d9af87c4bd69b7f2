package embedded

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// account is a user of the machine that a server runs as. A nil account is
// ourselves, who can reach everything that we made.
type account struct {
	name     string
	uid, gid uint32
}

func (a *account) String() string {
	if a == nil {
		return "this user"
	}
	return fmt.Sprintf("user %s (uid %d)", a.name, a.uid)
}

// serverAccount is whom PostgreSQL runs as: the owner of its data, if there is
// any, because PostgreSQL accepts no one else.
func serverAccount(data string) *account {
	def := defaultAccount()
	info, err := os.Stat(data)
	if def == nil || err != nil {
		return def
	}
	uid, gid := ownerOf(info)
	if uid == 0 {
		return def
	}
	name := strconv.Itoa(int(uid))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return &account{name, uid, gid}
}

// defaultAccount is ourselves, unless we are root, whom PostgreSQL refuses.
func defaultAccount() *account {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if a := lookupAccount(name); a != nil {
			return a
		}
	}
	return &account{"nobody", 65534, 65534}
}

func lookupAccount(name string) *account {
	u, err := user.Lookup(name)
	if err != nil {
		return nil
	}
	// As int64: nobody is -2 on macOS.
	uid, errUID := strconv.ParseInt(u.Uid, 10, 64)
	gid, errGID := strconv.ParseInt(u.Gid, 10, 64)
	if errUID != nil || errGID != nil || uid == 0 {
		return nil
	}
	return &account{name, uint32(uid), uint32(gid)}
}

// reaches tells whether the account may pass every folder down to path, path
// included. It reads modes only: an access list can make it wrong, and then
// initdb says so.
func (a *account) reaches(path string) bool {
	if a == nil {
		return true
	}
	dir, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	for a.passes(dir) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
	return false
}

func (a *account) passes(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	perm := info.Mode().Perm()
	switch uid, gid := ownerOf(info); {
	case uid == a.uid:
		return perm&0o100 != 0
	case gid == a.gid:
		return perm&0o010 != 0
	}
	return perm&0o001 != 0
}

// own makes the account the owner of a file.
func (a *account) own(file string) error {
	if a == nil {
		return nil
	}
	return os.Chown(file, int(a.uid), int(a.gid))
}
