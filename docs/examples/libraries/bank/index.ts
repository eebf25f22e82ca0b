/** Accounts: the library of the example on objects. */
import { invalidArgument } from 'funcoap/library';

/** Somebody's account. */
export class Account {
  /** Whose it is. */
  owner: string;
  #balance: number;

  constructor(owner: string, balance = 0) {
    this.owner = owner;
    this.#balance = balance;
  }

  /** What is in it. */
  get balance(): number {
    return this.#balance;
  }

  /** Puts something in. */
  deposit(amount: number): number {
    if (amount <= 0) throw invalidArgument('An amount is more than 0.', 'amount');
    return (this.#balance += amount);
  }

  /** Takes something out. */
  withdraw(amount: number): number {
    if (amount > this.#balance) throw new Overdrawn(`${this.owner} has not that much.`);
    return (this.#balance -= amount);
  }

  /** Moves something to another account. */
  pay(to: Account, amount: number): number {
    this.withdraw(amount);
    to.deposit(amount);
    return this.#balance;
  }

  /** A new account of the same owner, with a part of what is in this one. */
  split(amount: number): Account {
    this.withdraw(amount);
    return new Account(this.owner, amount);
  }
}

class Overdrawn extends Error {
  override readonly name = 'Overdrawn';
}
