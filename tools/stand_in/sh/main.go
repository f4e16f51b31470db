// A small sh for the stand-in of nginx: an interpreter of shell programs that replaces itself on
// `exec`, as a container's first process must to hand over the signals that stop it.
//
//	sh [-ceux] [file or, with -c, program] [arguments]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

func main() {
	err := run(os.Args[1:])
	var status interp.ExitStatus
	switch {
	case errors.As(err, &status):
		os.Exit(int(status))
	case err != nil:
		fmt.Fprintln(os.Stderr, "sh:", err)
		os.Exit(2)
	}
}

func run(arguments []string) error {
	options := []string{}
	command := false
	for len(arguments) > 0 && len(arguments[0]) > 1 && strings.HasPrefix(arguments[0], "-") {
		for _, letter := range arguments[0][1:] {
			if letter == 'c' {
				command = true
			} else {
				options = append(options, "-"+string(letter))
			}
		}
		arguments = arguments[1:]
	}
	program, name, parameters, err := source(command, arguments)
	if err != nil {
		return err
	}
	parsed, err := syntax.NewParser().Parse(program, name)
	if err != nil {
		return err
	}
	runner, err := interp.New(
		interp.StdIO(os.Stdin, os.Stdout, os.Stderr),
		interp.Params(append(append(options, "--"), parameters...)...),
		interp.CallHandler(replace),
	)
	if err != nil {
		return err
	}
	return runner.Run(context.Background(), parsed)
}

// source returns the program, its name, and its positional parameters.
func source(command bool, arguments []string) (io.Reader, string, []string, error) {
	if len(arguments) == 0 {
		return os.Stdin, "sh", nil, nil
	}
	if command {
		parameters := arguments[1:]
		if len(parameters) > 0 {
			parameters = parameters[1:] // the first one is $0
		}
		return strings.NewReader(arguments[0]), "sh", parameters, nil
	}
	text, err := os.ReadFile(arguments[0])
	return strings.NewReader(string(text)), arguments[0], arguments[1:], err
}

// replace turns this process into the program that `exec` names; it returns only for other calls
// and where there is no such program, which the interpreter then reports.
func replace(ctx context.Context, call []string) ([]string, error) {
	if len(call) < 2 || call[0] != "exec" {
		return call, nil
	}
	shell := interp.HandlerCtx(ctx)
	path, err := interp.LookPathDir(shell.Dir, shell.Env, call[1])
	if err != nil {
		return call, nil
	}
	environment := []string{}
	shell.Env.Each(func(name string, value expand.Variable) bool {
		if value.Exported && value.Kind == expand.String {
			environment = append(environment, name+"="+value.Str)
		}
		return true
	})
	for number, stream := range []any{shell.Stdin, shell.Stdout, shell.Stderr} {
		file, isFile := stream.(*os.File)
		if isFile && file != nil && int(file.Fd()) != number {
			if err := syscall.Dup3(int(file.Fd()), number, 0); err != nil {
				return nil, err
			}
		}
	}
	if err := os.Chdir(shell.Dir); err != nil {
		return nil, err
	}
	return nil, syscall.Exec(path, call[1:], environment)
}
