<?php

// Prints the states of the link to a Directus server, and the events of a collection:
//
//     DIRECTUS_TOKEN=... php follow.php http://localhost:8055 posts

declare(strict_types=1);

const KINDS = ['init', 'create', 'update', 'delete', 'error'];

$declarations = file_get_contents(__DIR__ . '/../../include/directus_realtime.cdef');
$drt = FFI::cdef($declarations, 'libdirectus_realtime.so.0');

function check(FFI $drt, int $status): void
{
    if ($status < 0) {
        $info = $drt->new('drt_error_info');
        $info->struct_size = FFI::sizeof($info);
        $drt->drt_last_error_info(FFI::addr($info));
        fwrite(STDERR, FFI::string($info->message) . "\n");
        exit(1);
    }
}

// A string of C, which PHP does not free.
function text(FFI $drt, string $text): FFI\CData
{
    $size = strlen($text) + 1;
    $made = $drt->new("char[$size]", false);
    FFI::memcpy($made, "$text\0", $size);
    return $drt->cast('char *', FFI::addr($made));
}

// Prints a row, and returns whether it is the last one.
function show(FFI $drt, array $row): bool
{
    if ($row[0] === 0) {
        [, , $kind, $flags, , , , $data] = $row;
        echo KINDS[$kind], ' ', json_encode($data, JSON_UNESCAPED_UNICODE), "\n";
        return ($flags & $drt->DRT_FLAG_ENDED) !== 0;
    }
    if ($row[0] === 1) {
        [, $state, , $message] = $row;
        echo $message, "\n";
        return $state === $drt->DRT_STATE_FAILED;
    }
    return false;
}

$options = $drt->new('drt_client_options');
$drt->drt_client_options_init(FFI::addr($options), FFI::sizeof($options));
$options->url = text($drt, $argv[1]);
$options->access_token = text($drt, getenv('DIRECTUS_TOKEN'));
$options->delivery = $drt->DRT_DELIVER_POLL;
$client = $drt->new('drt_client *');
check($drt, $drt->drt_client_new(FFI::addr($options), FFI::addr($client)));
$wanted = $drt->new('drt_subscription_options');
$drt->drt_subscription_options_init(FFI::addr($wanted), FFI::sizeof($wanted));
$wanted->collection = text($drt, $argv[2]);
check($drt, $drt->drt_subscribe($client, null, FFI::addr($wanted), null, null, null, null));

$interrupted = $ended = false;
pcntl_async_signals(true);
pcntl_signal(SIGINT, function () use (&$interrupted) {
    $interrupted = true;
});
$json = $drt->new('char *');
$length = $drt->new('size_t');
while (!$interrupted && !$ended) {
    // Handlers of signals run between two calls: so it does not wait for ever.
    check($drt, $drt->drt_client_next($client, 500, 0, FFI::addr($json), FFI::addr($length), null));
    foreach (json_decode(FFI::string($json, $length->cdata)) as $row) {
        $ended = $ended || show($drt, $row);
    }
}
$drt->drt_client_close($client, 5000);
exit($ended ? 1 : 0);
