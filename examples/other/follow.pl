# Prints the states of the link to a Directus server, and the events of a collection:
#
#     DIRECTUS_TOKEN=... perl follow.pl http://localhost:8055 posts
use v5.36;
use FFI::Platypus 2.00;
use FFI::Platypus::Buffer qw(buffer_to_scalar);
use JSON::PP;

# Structs may end early: the rest of them has its defaults.
package ClientOptions {
    use FFI::Platypus::Record;
    record_layout_1(
        size_t => 'struct_size', 'string rw' => 'url', int => 'auth_mode',
        'string rw' => 'access_token', 'string rw' => 'email', 'string rw' => 'password',
        'string rw' => 'refresh_token', int => 'delivery', uint32 => 'connect_timeout_ms',
    );
}

package SubscriptionOptions {
    use FFI::Platypus::Record;
    record_layout_1(size_t => 'struct_size', 'string rw' => 'collection');
}

package ErrorInfo {
    use FFI::Platypus::Record;
    record_layout_1(
        size_t => 'struct_size', int => 'status', string => 'argument', string => 'message');
}

use constant { DELIVER_POLL => 1, STATE_FAILED => 5, FLAG_ENDED => 2 };
my @kinds = qw(init create update delete error);
my $json = JSON::PP->new->utf8->canonical;

my $ffi = FFI::Platypus->new(api => 2, lib => 'libdirectus_realtime.so.0');
$ffi->type("record($_)*" => $_) for qw(ClientOptions SubscriptionOptions ErrorInfo);
$ffi->attach(drt_last_error_info => ['ErrorInfo'] => 'int');
$ffi->attach(drt_client_new => ['ClientOptions', 'opaque*'] => 'int');
$ffi->attach(drt_subscribe => [('opaque') x 2, 'SubscriptionOptions', ('opaque') x 4] => 'int');
$ffi->attach(drt_client_next => [qw(opaque sint32 size_t opaque* size_t* opaque)] => 'int');
$ffi->attach(drt_client_close => [qw(opaque uint32)] => 'int');

sub make ($type, %members) {
    return $type->new(struct_size => $ffi->sizeof("record($type)"), %members);
}

sub check ($status) {
    return if $status >= 0;
    drt_last_error_info(my $info = make('ErrorInfo'));
    die $info->message, "\n";
}

# Prints a row, and returns whether it is the last one.
sub show ($row) {
    if ($row->[0] == 0) {
        my ($kind, $flags, $data) = @$row[2, 3, 7];
        say "$kinds[$kind] ", $json->encode($data);
        return $flags & FLAG_ENDED;
    }
    my ($state, $message) = @$row[1, 3];
    say $message;
    return $state == STATE_FAILED;
}

$| = 1;
my ($url, $collection, $token) = (@ARGV, $ENV{DIRECTUS_TOKEN});
my $options =
    make('ClientOptions', url => $url, access_token => $token, delivery => DELIVER_POLL);
check(drt_client_new($options, \my $client));
my $wanted = make('SubscriptionOptions', collection => $collection);
check(drt_subscribe($client, undef, $wanted, undef, undef, undef, undef));
my $ended = 0;
my $interrupted = 0;
local $SIG{INT} = sub { $interrupted = 1 };
until ($interrupted || $ended) {
    # Handlers of signals run between two calls: so it does not wait for ever.
    check(drt_client_next($client, 500, 0, \my $text, \my $length, undef));
    $ended ||= show($_) for @{ $json->decode(buffer_to_scalar($text, $length)) };
}
drt_client_close($client, 5000);
exit($ended ? 1 : 0);
