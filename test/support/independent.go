// Checks what Gatebook gives to auditors with Go's own implementation of signed notes and transparency
// logs (golang.org/x/mod/sumdb), and with a canonical JSON of its own: shares no line with Gatebook.
//
// Takes a folder with key.txt, checkpoint.txt, export.ndjson, proofs.json and report.json; prints what it
// found as JSON, and exits with 1 where anything does not hold.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type inclusion struct {
	Index, Size        int64
	LeafHash, RootHash tlog.Hash
	Hashes             tlog.RecordProof
}

type consistency struct {
	From, To int64
	Hashes   tlog.TreeProof
}

type found struct {
	Origin      string   `json:"origin"`
	Size        int64    `json:"size"`
	Events      int      `json:"events"`
	Inclusion   int      `json:"inclusion"`
	Consistency int      `json:"consistency"`
	Report      bool     `json:"report"`
	Faults      []string `json:"faults"`
}

func (f *found) fault(format string, values ...any) {
	f.Faults = append(f.Faults, fmt.Sprintf(format, values...))
}

// The hashes of a tree, in the order in which tlog stores them.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		hashes[at] = s[index]
	}
	return hashes, nil
}

func main() {
	folder := os.Args[1]
	read := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			panic(err)
		}
		return content
	}
	result := found{Faults: []string{}}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read("key.txt"))))
	if err != nil {
		result.fault("key: %v", err)
	} else {
		root := result.checkpoint(read("checkpoint.txt"), verifier)
		tree := result.export(read("export.ndjson"))
		result.proofs(read("proofs.json"), tree, root)
		result.report(read("report.json"), verifier)
	}
	text, _ := json.Marshal(result)
	fmt.Println(string(text))
	if len(result.Faults) > 0 {
		os.Exit(1)
	}
}

func (f *found) checkpoint(text []byte, verifier note.Verifier) tlog.Hash {
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		f.fault("checkpoint: %v", err)
		return tlog.Hash{}
	}
	lines := strings.Split(opened.Text, "\n")
	f.Origin = lines[0]
	f.Size, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		f.fault("checkpoint: %v", err)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil || f.Origin != verifier.Name() {
		f.fault("checkpoint: its root %v or its origin %q is none of this log", err, f.Origin)
	}
	return root
}

func (f *found) export(text []byte) stored {
	var tree stored
	for index, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		if again, err := canonical(line); err != nil || !bytes.Equal(again, line) {
			f.fault("event %d is not in canonical form: %v", index, err)
		}
		hashes, err := tlog.StoredHashes(int64(index), line, tree)
		if err != nil {
			panic(err)
		}
		tree = append(tree, hashes...)
		f.Events++
	}
	return tree
}

func (f *found) proofs(text []byte, tree stored, root tlog.Hash) {
	size := int64(f.Events)
	if made, err := tlog.TreeHash(size, tree); err != nil || size != f.Size || made != root {
		f.fault("the root of %d events is %v, and %v of %d was signed: %v", size, made, root, f.Size, err)
		return
	}
	var proofs struct {
		Inclusion   []inclusion
		Consistency []consistency
	}
	if err := json.Unmarshal(text, &proofs); err != nil {
		f.fault("proofs: %v", err)
	}
	rootAt := func(size int64) tlog.Hash {
		made, err := tlog.TreeHash(size, tree)
		if err != nil {
			f.fault("root of %d: %v", size, err)
		}
		return made
	}
	for _, one := range proofs.Inclusion {
		leaf, _ := tree.ReadHashes([]int64{tlog.StoredHashIndex(0, one.Index)})
		err := tlog.CheckRecord(one.Hashes, one.Size, rootAt(one.Size), one.Index, leaf[0])
		if err != nil || one.LeafHash != leaf[0] || one.RootHash != rootAt(one.Size) {
			f.fault("inclusion of %d in %d: %v", one.Index, one.Size, err)
		}
		f.Inclusion++
	}
	for _, one := range proofs.Consistency {
		if err := tlog.CheckTree(one.Hashes, one.To, rootAt(one.To), one.From, rootAt(one.From)); err != nil {
			f.fault("consistency of %d and %d: %v", one.From, one.To, err)
		}
		f.Consistency++
	}
}

// The signature of a report stands in its last member; the others, in canonical form, are the text.
func (f *found) report(text []byte, verifier note.Verifier) {
	var report map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&report); err != nil {
		f.fault("report: %v", err)
		return
	}
	signature, _ := report["signature"].(string)
	delete(report, "signature")
	var signed strings.Builder
	if err := write(&signed, report); err != nil {
		f.fault("report: %v", err)
	}
	_, err := note.Open([]byte(signed.String()+"\n\n"+signature+"\n"), note.VerifierList(verifier))
	if err != nil {
		f.fault("report: %v", err)
	}
	f.Report = err == nil
}

func canonical(text []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	var out strings.Builder
	err := write(&out, value)
	return []byte(out.String()), err
}

// RFC 8785, as far as whole numbers go: Gatebook's events and reports hold no others.
func write(out *strings.Builder, value any) error {
	switch value := value.(type) {
	case nil:
		out.WriteString("null")
	case bool:
		out.WriteString(strconv.FormatBool(value))
	case json.Number:
		whole, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || whole > 1<<53 || whole < -1<<53 {
			return fmt.Errorf("%s is no whole number", value)
		}
		out.WriteString(strconv.FormatInt(whole, 10))
	case string:
		writeText(out, value)
	case []any:
		out.WriteByte('[')
		for at, item := range value {
			if at > 0 {
				out.WriteByte(',')
			}
			if err := write(out, item); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	case map[string]any:
		names := make([]string, 0, len(value))
		for name := range value {
			names = append(names, name)
		}
		sort.Slice(names, func(a, b int) bool { return isBefore(names[a], names[b]) })
		out.WriteByte('{')
		for at, name := range names {
			if at > 0 {
				out.WriteByte(',')
			}
			writeText(out, name)
			out.WriteByte(':')
			if err := write(out, value[name]); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	}
	return nil
}

// By UTF-16 code units.
func isBefore(a, b string) bool {
	one, other := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	for at := 0; at < len(one) && at < len(other); at++ {
		if one[at] != other[at] {
			return one[at] < other[at]
		}
	}
	return len(one) < len(other)
}

func writeText(out *strings.Builder, text string) {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	out.WriteByte('"')
	for _, letter := range text {
		if escaped, is := short[letter]; is {
			out.WriteString(escaped)
		} else if letter < 0x20 {
			fmt.Fprintf(out, `\u%04x`, letter)
		} else {
			out.WriteRune(letter)
		}
	}
	out.WriteByte('"')
}
