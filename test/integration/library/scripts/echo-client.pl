# Sends workloads of the sizes given and compares what comes back. Usage: perl echo-client.pl PORT SIZE...
use strict;
use warnings;
use Digest::SHA qw(sha256);
use Gearman::Client;

$| = 1;
my ($port, @sizes) = @ARGV;
my $client = Gearman::Client->new;
$client->job_servers("127.0.0.1:$port");
for my $size (@sizes) {
    my $data = '';
    for (my $i = 0; length $data < $size && $i < 2048; $i++) { $data .= sha256("$size $i") }
    $data x= 1 + int($size / length $data) if $size > length $data;
    $data = substr $data, 0, $size;
    my $result = $client->do_task(echo => \$data);
    print $size, (ref $result && $$result eq $data ? ' equal' : ' different'), "\n";
}
