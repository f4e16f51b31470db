module fargate-web/tools/stand_in

go 1.26.0

tool (
	github.com/u-root/u-root/cmds/core/cat
	github.com/u-root/u-root/cmds/core/ls
	github.com/u-root/u-root/cmds/core/mkdir
	github.com/u-root/u-root/cmds/core/sleep
	github.com/u-root/u-root/cmds/core/touch
)

require mvdan.cc/sh/v3 v3.14.1

require (
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/u-root/u-root v0.16.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/term v0.45.0 // indirect
)
