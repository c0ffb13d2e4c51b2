# Gives every workload back. Usage: perl echo-worker.pl PORT
use strict;
use warnings;
use Gearman::Worker;

my $worker = Gearman::Worker->new;
$worker->job_servers("127.0.0.1:$ARGV[0]");
$worker->register_function(echo => sub { $_[0]->arg });
$worker->work while 1;
