// Prints the states of the link to a Directus server, and the events of a collection:
//
//	DIRECTUS_TOKEN=... go run follow.go http://localhost:8055 posts
package main

// #cgo LDFLAGS: -ldirectus_realtime
// #include <directus_realtime.h>
import "C"

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"unsafe"
)

var kinds = [...]string{"init", "create", "update", "delete", "error"}

func must(status C.drt_status) {
	if status < 0 {
		info := C.drt_error_info{struct_size: C.sizeof_drt_error_info}
		C.drt_last_error_info(&info) // of this thread: see main
		log.Fatal(C.GoString(info.message))
	}
}

// show prints a row. It returns whether it is the last one, and the exit status then.
func show(row []json.RawMessage) (last bool, status int) {
	number := func(index int) (value int) { _ = json.Unmarshal(row[index], &value); return }
	switch number(0) {
	case 0: // an event
		fmt.Println(kinds[number(2)], string(row[7]))
		return number(3)&C.DRT_FLAG_ENDED != 0, 1
	case 1: // a state
		var message string
		_ = json.Unmarshal(row[3], &message)
		fmt.Println(message)
		if state := number(1); state == C.DRT_STATE_IDLE || state == C.DRT_STATE_FAILED {
			return true, state / C.DRT_STATE_FAILED
		}
	}
	return false, 0
}

func main() {
	// The last error is kept by thread, and Go moves goroutines between threads.
	runtime.LockOSThread()
	var options C.drt_client_options
	C.drt_client_options_init(&options, C.sizeof_drt_client_options)
	options.url = C.CString(os.Args[1])
	options.access_token = C.CString(os.Getenv("DIRECTUS_TOKEN"))
	options.delivery = C.DRT_DELIVER_POLL
	var client *C.drt_client
	must(C.drt_client_new(&options, &client))
	var wanted C.drt_subscription_options
	C.drt_subscription_options_init(&wanted, C.sizeof_drt_subscription_options)
	wanted.collection = C.CString(os.Args[2])
	must(C.drt_subscribe(client, nil, &wanted, nil, nil, nil, nil))

	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	go func() { <-interrupted; C.drt_client_disconnect(client) }() // IDLE ends the loop
	for {
		var text *C.char
		var length C.size_t
		must(C.drt_client_next(client, -1, 0, &text, &length, nil))
		var rows [][]json.RawMessage
		_ = json.Unmarshal(C.GoBytes(unsafe.Pointer(text), C.int(length)), &rows)
		for _, row := range rows {
			if last, status := show(row); last {
				C.drt_client_close(client, 5000)
				os.Exit(status)
			}
		}
	}
}
