#!/usr/bin/perl
# SpamAssassin's Bayes alone, for bench/spam.py: learns the mails of HAM and SPAM, then scores those of JUDGE.
#
#     perl spamassassin_bayes.pl STATE HAM SPAM JUDGE
#
# All are folders; prints "NAME SCORE" for each mail of JUDGE, 0.5 where it has no opinion.

use strict;
use warnings;
use Mail::SpamAssassin;
use Mail::SpamAssassin::PerMsgStatus;

my ($state, $ham, $spam, $judge) = @ARGV;
my $config = <<"END";
loadplugin Mail::SpamAssassin::Plugin::Bayes
use_bayes 1
use_learner 1
bayes_path $state/bayes
bayes_auto_learn 0
bayes_auto_expire 0
bayes_learn_to_journal 0
bayes_min_ham_num 1
bayes_min_spam_num 1
skip_rbl_checks 1
END
my $domains = '/usr/share/spamassassin/20_aux_tlds.cf';    # it cuts addresses at registered domains
$config .= "include $domains\n" if -e $domains;
my $filter = Mail::SpamAssassin->new({
    config_text => $config, local_tests_only => 1, dont_copy_prefs => 1, userstate_dir => $state,
});
$filter->init(1);
$filter->init_learner({ caller_will_untie => 1 });

sub mails {
    my ($folder, $each) = @_;
    opendir(my $names, $folder) or die "$folder: $!";
    for my $name (sort grep { !/^\./ } readdir $names) {
        open(my $file, '<:raw', "$folder/$name") or die "$name: $!";
        local $/;
        my $mail = $filter->parse(scalar <$file>, 1);
        $each->($name, $mail);
        $mail->finish();
    }
}

for ([$ham, 0], [$spam, 1]) {
    my ($folder, $is_spam) = @$_;
    mails($folder, sub { $filter->learn($_[1], $_[0], $is_spam, 0)->finish() });
}
$filter->rebuild_learner_caches();
my $bayes = $filter->call_plugins("learner_get_implementation");
mails($judge, sub {
    my ($name, $mail) = @_;
    my $status = Mail::SpamAssassin::PerMsgStatus->new($filter, $mail);
    my $score = $bayes->scan($status, $mail);
    printf "%s %.6f\n", $name, defined $score ? $score : 0.5;
    $status->finish();
});
$filter->finish_learner();
$filter->finish();
