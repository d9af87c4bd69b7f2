package frame

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"sync"
	"testing"
)

func TestDeflatedBlocksStandForTheBytes(t *testing.T) {
	data := []byte(`{"data":{"values":[` + strings.Repeat(`12.5,`, 400) + `0]}}`)
	f := New(data)
	var all sync.WaitGroup
	for range 8 { // whoever asks first
		all.Go(func() {
			packed := f.Deflated()
			got, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(packed), bytes.NewReader([]byte{1, 0, 0, 0xff, 0xff}))))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("inflated to %q: %v", got, err)
			}
		})
	}
	all.Wait()
	if packed := f.Deflated(); len(packed) > len(data)/10 || !bytes.HasSuffix(packed, []byte{0, 0, 0xff, 0xff}) {
		t.Errorf("%d bytes of %d, which end with % x", len(packed), len(data), packed[len(packed)-4:])
	}
}

func TestWhatDoesNotPayIsNotCompressed(t *testing.T) {
	noise := make([]byte, 2*PaysFrom)
	state := uint32(1)
	for i := range noise { // xorshift: nothing repeats
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		noise[i] = byte(state)
	}
	for name, data := range map[string][]byte{"small": []byte(strings.Repeat("a", PaysFrom-1)), "noise": noise} {
		if packed := New(data).Deflated(); packed != nil {
			t.Errorf("%s: compressed to %d bytes", name, len(packed))
		}
	}
}
