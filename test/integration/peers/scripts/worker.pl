# A Perl worker as people write it. Usage: perl worker.pl PORT
use strict;
use warnings;
use Gearman::Worker;

my $worker = Gearman::Worker->new;
$worker->job_servers("127.0.0.1:$ARGV[0]");

$worker->register_function(reverse => sub { scalar reverse $_[0]->arg });
$worker->register_function(
    sum => sub {
        my $job     = shift;
        my @numbers = split /,/, $job->arg;
        my $sum     = 0;
        for my $i (0 .. $#numbers) {
            $sum += $numbers[$i];
            $job->set_status($i + 1, scalar @numbers);
        }
        return $sum;
    }
);
# Perl sends these results without any NUL behind the handle.
$worker->register_function(empty => sub { '' });
$worker->register_function(zero  => sub { '0' });
$worker->register_function(give_up => sub { undef });
$worker->register_function(dies    => sub { die "out of coffee\n" });

$worker->work while 1;
