package embedded

import (
	"strconv"
	"syscall"
)

// setting is one of PostgreSQL's parameters. They are given as arguments, so
// that data of an earlier release of ours gets today's ones.
type setting struct{ name, value string }

// settings are the server's arguments.
func (c *cluster) settings(port int) []string {
	all := append(commonSettings(port), keptSettings...)
	if c.throwaway {
		all = append(commonSettings(port), throwawaySettings...)
	}
	args := []string{"-D", c.data}
	for _, s := range all {
		args = append(args, "-c", s.name+"="+s.value)
	}
	return args
}

func commonSettings(port int) []setting {
	return []setting{
		// Only this machine, and by TCP: a socket's path has a length limit and a
		// folder that the server's user can write.
		{"listen_addresses", "127.0.0.1"},
		{"port", strconv.Itoa(port)},
		{"unix_socket_directories", ""},
		{"max_connections", "200"},        // the binary's pools, tests side by side, and psql
		{"wal_level", "logical"},          // the feed reads changes off the WAL
		{"max_replication_slots", "64"},   // a slot per database, and tests make many
		{"max_wal_senders", "64"},         // one for each slot
		{"max_slot_wal_keep_size", "2GB"}, // a slot that nobody reads must not fill the disk
		{"synchronous_commit", "on"},      // off, the feed sees a change some 190 ms late
		{"work_mem", "16MB"},              // windows and cohorts sort and hash in memory
		{"maintenance_work_mem", "128MB"}, // indexes of materialized views
		{"timezone", "UTC"},               // days are cut where a query says, not where the server stands
		{"log_timezone", "UTC"},
		{"jit", "off"},               // compiling costs more than our small queries do
		{"autovacuum", "on"},         // rollups are updated in place: dead rows, and statistics to keep
		{"cluster_name", "tidemark"}, // tells whose it is in ps
		{"log_line_prefix", "%m [%p] %q%d "},
		{"log_checkpoints", "off"},   // routine, not news
		{"logging_collector", "off"}, // the log is our file
	}
}

var keptSettings = []setting{
	{"shared_buffers", "256MB"}, // a laptop's share
	{"max_wal_size", "4GB"},     // fewer checkpoints while events pour in
	{"min_wal_size", "1GB"},     // used again, a segment need not be filled with zeros first
}

var throwawaySettings = []setting{
	{"shared_buffers", "128MB"},
	{"fsync", "off"}, // a power cut may take the data: it is of no use then
	{"full_page_writes", "off"},
	{"min_wal_size", "32MB"},
	{"max_wal_size", "512MB"},
}

// deathSignal is what the server gets if we die: a fast shutdown.
func (c *cluster) deathSignal() syscall.Signal {
	if c.machine.outlive {
		return 0
	}
	return syscall.SIGINT
}
