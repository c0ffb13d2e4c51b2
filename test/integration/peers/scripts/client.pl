# A Perl client as people write it; prints one line a result. Usage: perl client.pl PORT
use strict;
use warnings;
use Gearman::Client;
use Gearman::Task;

$| = 1;
my $client = Gearman::Client->new(exceptions => 1);
$client->job_servers("127.0.0.1:$ARGV[0]");

sub show {
    my ($name, $result) = @_;
    print "$name: ", (defined $result ? ref $result ? $$result : $result : 'undefined'), "\n";
}

show(reverse => $client->do_task(reverse => 'Hello World!'));
show(unique  => $client->do_task(reverse => 'abc', { uniq => '-' }));
show(high    => $client->do_task(reverse => 'high', { priority => 'high' }));

my @status;
my $sum = $client->do_task(
    sum => '1,2,3',
    { on_status => sub { push @status, join('/', @_) } }
);
show(sum => $sum);
show(status => join ' ', @status);

my $set = $client->new_task_set;
my %got;
for my $word (qw(one two three)) {
    $set->add_task(reverse => $word, { on_complete => sub { $got{$word} = ${ $_[0] } } });
}
$set->add_task(give_up => 'x', { on_fail => sub { $got{give_up} = 'failed' } });
$set->add_task(empty => 'x', { on_complete => sub { $got{empty} = "[${ $_[0] }]" } });
$set->add_task(zero  => 'x', { on_complete => sub { $got{zero}  = "[${ $_[0] }]" } });
$set->wait(timeout => 15);
print "set: $_ $got{$_}\n" for sort keys %got;

my $exception;
my $dead = $client->do_task(
    dies => 'x',
    { on_exception => sub { $exception = $_[0] } }
);
show(dies      => $dead);
# The worker froze the message, so bytes of Storable surround it.
$exception = ref $exception ? $$exception : $exception // 'none';
show(exception => $exception =~ /(out of coffee)/ ? $1 : "not told: $exception");
show(after     => $client->do_task(reverse => 'still here'));

my $handle = $client->dispatch_background(reverse => 'later');
print "background: ", ($handle ? 'accepted' : 'refused'), "\n";
my $status;
for (1 .. 500) {
    $status = $client->get_status($handle);
    last if !$status || !$status->known;
    select undef, undef, undef, 0.01;
}
print "background: ", ($status && $status->known ? 'still known' : 'done'), "\n";
