#!/usr/bin/env node
/* global require, __dirname, __filename, setTimeout, setInterval, clearInterval */
/*
 * Finds a Node that is new enough, and runs the command line with it. This file must be understood by every Node from 10 on, so that an
 * old one can say what is wrong: CommonJS, old syntax, no dependencies.
 */
'use strict';

var fs = require('fs');
var path = require('path');

var NEEDED = 24;
/** Set for the process that was started with a newer Node, so that it never looks for another one. */
var MARK = 'GATEHOUSE_RESTARTED';

var root = path.join(__dirname, '..');
var sources = path.join(root, 'src', 'cli', 'main.ts');
var isCheckout = fs.existsSync(sources);
var main = isCheckout ? sources : path.join(root, 'dist', 'cli', 'main.js');

var wasRestarted = process.env[MARK] === '1';
delete process.env[MARK];

if (isNewEnough(process.versions.node)) {
  if (wasRestarted) endWithParent();
  else
    endWithNpx(function () {
      process.kill(process.pid, 'SIGTERM');
    });
  run();
} else {
  var newer = wasRestarted ? undefined : findNewerNode();
  if (newer === undefined) refuse();
  else restart(newer);
}

function isNewEnough(version) {
  return parseInt(version, 10) >= NEEDED;
}

/** The Node that npm has installed beside us, if it is there and new enough. */
function findNewerNode() {
  var folder = path.join(root, 'node_modules', 'node');
  var program = path.join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  try {
    var version = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).version;
    if (isNewEnough(version) && fs.existsSync(program)) return program;
  } catch (error) {
    if (error.code !== 'ENOENT') console.error('gatehouse: ' + error.message);
  }
  return undefined;
}

function refuse() {
  console.error(
    'gatehouse needs Node.js ' +
      NEEDED +
      ' or newer, and this is ' +
      process.version +
      ' (' +
      process.execPath +
      ').\n' +
      (isCheckout
        ? '  -> In a checkout run `npm ci`, which installs a Node of its own.'
        : '  -> Install a newer Node.js: https://nodejs.org/en/download'),
  );
  process.exitCode = 1;
}

/** Runs this very file with another Node: same arguments, terminal, signals and exit code. */
function restart(program) {
  var environment = Object.assign({}, process.env);
  environment[MARK] = '1';
  // The extra channel carries no messages: it tells the child when we are gone, even by SIGKILL.
  var child = require('child_process').spawn(program, [__filename].concat(process.argv.slice(2)), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: environment,
  });
  var signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
  signals.forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal);
    });
  });
  endWithNpx(function () {
    child.kill('SIGTERM');
  });
  child.on('error', function (error) {
    console.error('gatehouse: cannot run ' + program + ': ' + error.message);
    process.exitCode = 1;
  });
  child.on('exit', function (code, signal) {
    if (signal === null) {
      process.exit(code);
      return;
    }
    // Ended by a signal: so are we.
    signals.forEach(function (name) {
      process.removeAllListeners(name);
    });
    process.kill(process.pid, signal);
    setTimeout(function () {
      process.exit(1);
    }, 1000);
  });
}

/** As the process that started us has no other duty, we never outlive it. */
function endWithParent() {
  if (!process.channel) return;
  process.on('disconnect', function () {
    process.exit(1);
  });
  process.channel.unref();
}

/*
 * npx passes a signal to the shell between it and us, which dies of it and tells nobody. So the shell's end counts as the signal:
 * otherwise the service would be left behind, with its port.
 */
function endWithNpx(end) {
  if (process.env.npm_command !== 'exec') return;
  var parent = process.ppid;
  var watch = setInterval(function () {
    if (process.ppid === parent) return;
    clearInterval(watch);
    end();
  }, 200);
  watch.unref();
}

function run() {
  if (!fs.existsSync(main)) {
    console.error('gatehouse: ' + main + ' is missing.\n  -> Install the package again.');
    process.exitCode = 1;
    return;
  }
  rememberCompiledCode();
  import(require('url').pathToFileURL(main).href).then(
    function (module) {
      return module.main(process.argv);
    },
    function (error) {
      console.error('gatehouse: cannot start: ' + (error && error.message));
      process.exitCode = 1;
    },
  );
}

/*
 * Node keeps what it has compiled for the next start, which is then a third faster and takes less memory. In our own folder, where nobody
 * else can put code; where that cannot be written, nothing is kept.
 */
function rememberCompiledCode() {
  var enable = require('module').enableCompileCache;
  if (enable !== undefined) enable(path.join(root, 'node_modules', '.cache', 'gatehouse'));
}
