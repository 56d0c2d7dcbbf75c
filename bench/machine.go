//go:build linux

package main

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
)

// machine says what the figures were taken on.
func machine() string {
	cpu := first("/proc/cpuinfo", `(?m)^model name\s*:\s*(.+)$`)
	memory := "?"
	if kb, err := strconv.Atoi(first("/proc/meminfo", `(?m)^MemTotal:\s*([0-9]+) kB$`)); err == nil {
		memory = fmt.Sprintf("%.0f GiB", float64(kb)/(1<<20))
	}
	return fmt.Sprintf("%d × %s, %s, %s", runtime.NumCPU(), cpu, memory, runtime.Version())
}

func first(file, pattern string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "?"
	}
	if m := regexp.MustCompile(pattern).FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return "?"
}
