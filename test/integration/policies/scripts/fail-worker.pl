# A worker whose function `f` always fails; writes a line for each run. Argument: port.
use strict;
use warnings;
use Gearman::Worker;

$| = 1;
my $worker = Gearman::Worker->new(job_servers => ["127.0.0.1:$ARGV[0]"]);
$worker->register_function(f => sub {
    print "run\n";
    return undef;
});
$worker->work while 1;
